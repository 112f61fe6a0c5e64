'use strict'

const { createCategorizer, categorize } = require('../../../bank/categorization.ts')

module.exports = { createCategorizer, categorize }
