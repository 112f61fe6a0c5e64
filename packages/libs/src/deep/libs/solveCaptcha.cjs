'use strict'

module.exports = require('../../solve-captcha.ts').solveCaptcha
