'use strict'

module.exports = require('../../normalize-filename.ts').normalizeFilename
