'use strict'

// `cozy-client/dist/models/document`, for its Qualification
const { models } = require('../cozy-client/index.ts')

module.exports = models.document
