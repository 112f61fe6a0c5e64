'use strict'

module.exports = require('../../update-or-create.ts').updateOrCreate
