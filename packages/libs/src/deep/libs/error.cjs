'use strict'

const { attachProcessEventHandlers } = require('../../process-handlers.ts')

module.exports = { attachProcessEventHandlers }
