'use strict'

const { getDomain, getInstance } = require('../../cozy-domain.ts')

module.exports = { getDomain, getInstance }
