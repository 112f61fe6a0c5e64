'use strict'

// `require('cozy-konnector-libs')`: one object with exactly these keys (sdk/exports.md section 1). Each is a lazy
// getter, so that a konnector pays only for what it uses: a bundler wraps each module, Node loads it at first access.

const loaders = {
  BaseKonnector: () => require('./base-konnector.ts').BaseKonnector,
  CookieKonnector: () => require('./cookie-konnector.ts').CookieKonnector,
  cozyClient: () => require('./cozy-client/index.ts').cozyClient,
  errors: () => require('./errors.ts').errors,
  log: () => require('./log.ts').log,
  saveFiles: () => require('./save-files.ts').saveFiles,
  saveBills: () => require('./save-bills.ts').saveBills,
  saveIdentity: () => require('./save-identity.ts').saveIdentity,
  linkBankOperations: () => require('./bank/link-bank-operations.ts').linkBankOperations,
  addData: () => require('./add-data.ts').addData,
  hydrateAndFilter: () => require('./hydrate-and-filter.ts').hydrateAndFilter,
  htmlToPDF: () => require('./html-to-pdf.ts').htmlToPDF,
  createCozyPDFDocument: () => require('./html-to-pdf.ts').createCozyPDFDocument,
  filterData: () => require('./deprecated-names.ts').filterData,
  updateOrCreate: () => require('./update-or-create.ts').updateOrCreate,
  request: () => require('./deprecated-names.ts').request,
  requestFactory: () => require('./request/index.ts').default,
  retry: () => require('./retry.ts').default,
  wrapIfSentrySetUp: () => require('./sentry.ts').wrapIfSentrySetUp,
  Document: () => require('./document.ts').Document,
  signin: () => require('./signin.ts').signin,
  submitForm: () => require('./signin.ts').signin,
  scrape: () => require('./scrape.ts').scrape,
  mkdirp: () => require('./mkdirp.ts').mkdirp,
  normalizeFilename: () => require('./normalize-filename.ts').normalizeFilename,
  utils: () => require('./helpers.ts').utils,
  solveCaptcha: () => require('./solve-captcha.ts').solveCaptcha,
  createCategorizer: () => require('./bank/categorization.ts').createCategorizer,
  categorize: () => require('./bank/categorization.ts').categorize,
  manifest: () => require('./manifest.ts').manifest,
}

for (const [name, load] of Object.entries(loaders)) {
  // After the first access an ordinary property; assignable before it too, because tests put their own in its place.
  const become = value =>
    Object.defineProperty(exports, name, { value, enumerable: true, configurable: true, writable: true })
  Object.defineProperty(exports, name, {
    enumerable: true,
    configurable: true,
    get: () => {
      become(load())
      return exports[name]
    },
    set: become,
  })
}
