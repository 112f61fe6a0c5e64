'use strict'

// `cozy-client/dist/models` and `cozy-client/models`
const { models } = require('../cozy-client/index.ts')

module.exports = models
