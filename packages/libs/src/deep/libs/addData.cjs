'use strict'

module.exports = require('../../add-data.ts').addData
