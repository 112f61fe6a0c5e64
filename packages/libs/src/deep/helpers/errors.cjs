'use strict'

module.exports = require('../../errors.ts').errors
