'use strict'

module.exports = require('./request.ts').requestPromiseNative
