'use strict'

module.exports = require('../../cozy-client/index.ts').cozyClient
