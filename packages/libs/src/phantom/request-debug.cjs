'use strict'

module.exports = require('./request.ts').requestDebug
