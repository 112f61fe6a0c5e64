'use strict'

module.exports = require('../../save-files.ts').saveFiles
