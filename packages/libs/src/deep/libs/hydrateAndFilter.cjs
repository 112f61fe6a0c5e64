'use strict'

module.exports = require('../../hydrate-and-filter.ts').hydrateAndFilter
