'use strict'

// The class itself; throws here when the konnector does not depend on zombie, as upstream does.
module.exports = require('../../cozy-browser.ts').cozyBrowser()
