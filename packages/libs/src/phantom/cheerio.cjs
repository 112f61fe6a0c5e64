'use strict'

module.exports = require('./cheerio.ts').cheerio
