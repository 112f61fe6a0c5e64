'use strict'

module.exports = require('../../manifest.ts').manifest
