'use strict'

module.exports = require('../../save-bills.ts').saveBills
