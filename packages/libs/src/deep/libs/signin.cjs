'use strict'

module.exports = require('../../signin.ts').signin
