'use strict'

// `cozy-client/dist/CozyClient`, which cozy-doctypes requires to tell the new client from the old
const { CozyClient } = require('./cozy-client.ts')

module.exports = { default: CozyClient }
Object.defineProperty(module.exports, '__esModule', { value: true })
