'use strict'

module.exports = require('../../bank/link-bank-operations.ts').linkBankOperations
