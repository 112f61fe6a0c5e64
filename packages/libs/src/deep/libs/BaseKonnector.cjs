'use strict'

module.exports = require('../../base-konnector.ts').BaseKonnector
