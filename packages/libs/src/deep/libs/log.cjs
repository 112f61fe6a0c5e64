'use strict'

module.exports = require('../../log.ts').log
