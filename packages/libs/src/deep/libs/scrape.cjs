'use strict'

module.exports = require('../../scrape.ts').scrape
