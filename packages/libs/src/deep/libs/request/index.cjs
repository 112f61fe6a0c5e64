'use strict'

module.exports = require('../../../request/index.ts').default
