'use strict'

const { wrapIfSentrySetUp, captureExceptionAndDie } = require('../../sentry.ts')

module.exports = { wrapIfSentrySetUp, captureExceptionAndDie }
