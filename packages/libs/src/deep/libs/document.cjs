'use strict'

module.exports = require('../../document.ts').Document
