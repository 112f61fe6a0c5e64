'use strict'

module.exports = require('../../mkdirp.ts').mkdirp
