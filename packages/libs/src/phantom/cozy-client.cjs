'use strict'

const { CozyClient, Q, QueryDefinition, models } = require('./cozy-client.ts')

/** `require('cozy-client')`: `{default: CozyClient}`, and the class itself callable with `new`, as either form is met. */
module.exports = { CozyClient, Q, QueryDefinition, models, default: CozyClient }
Object.defineProperty(module.exports, '__esModule', { value: true })
