'use strict'

module.exports = require('../../cookie-konnector.ts').CookieKonnector
