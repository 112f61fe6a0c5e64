'use strict'

const { saveIdentity, formatIdentityContact, trimProperties } = require('../../save-identity.ts')

module.exports = { saveIdentity, formatIdentityContact, trimProperties }
