'use strict'

module.exports = require('../../helpers.ts').utils
