/**
 * A drop-in for cozy-konnector-libs 5.x: exactly its exports (`sdk/exports.md` section 1), here as real ES module
 * exports with types; `require` gives the same through `index.cjs`. Importing this does nothing and reads nothing.
 */
import { addData } from './add-data.ts'
import { categorize, createCategorizer } from './bank/categorization.ts'
import { linkBankOperations } from './bank/link-bank-operations.ts'
import { BaseKonnector } from './base-konnector.ts'
import { CookieKonnector } from './cookie-konnector.ts'
import { cozyClient } from './cozy-client/index.ts'
import { filterData, request } from './deprecated-names.ts'
import { Document } from './document.ts'
import { errors } from './errors.ts'
import { utils } from './helpers.ts'
import { createCozyPDFDocument, htmlToPDF } from './html-to-pdf.ts'
import { hydrateAndFilter } from './hydrate-and-filter.ts'
import { log } from './log.ts'
import { manifest } from './manifest.ts'
import { mkdirp } from './mkdirp.ts'
import { normalizeFilename } from './normalize-filename.ts'
import requestFactory from './request/index.ts'
import retry from './retry.ts'
import { saveBills } from './save-bills.ts'
import { saveFiles } from './save-files.ts'
import { saveIdentity } from './save-identity.ts'
import { scrape } from './scrape.ts'
import { wrapIfSentrySetUp } from './sentry.ts'
import { signin } from './signin.ts'
import { solveCaptcha } from './solve-captcha.ts'
import { updateOrCreate } from './update-or-create.ts'

export type { FetchFunction, Fields, Parameters } from './base-konnector.ts'
export type { AnyDocument } from './cozy-client/data-path.ts'
export type { FileResource, JsonApiResource } from './cozy-client/json-api.ts'
export type { ErrorCode } from './errors.ts'
export type { Log, LogType } from './log.ts'
export type { CozyMetadataDraft, ManifestData } from './manifest.ts'
export type {
  FactoryOptions,
  FullResponse,
  Request,
  RequestFunction,
  RequestJar,
  RequestOptions,
} from './request/index.ts'
export type { CozyFields } from './run-environment.ts'
export type { TwoFaOptions } from './two-fa.ts'
export {
  addData,
  BaseKonnector,
  CookieKonnector,
  categorize,
  cozyClient,
  createCategorizer,
  createCozyPDFDocument,
  Document,
  errors,
  filterData,
  htmlToPDF,
  hydrateAndFilter,
  linkBankOperations,
  log,
  manifest,
  mkdirp,
  normalizeFilename,
  request,
  requestFactory,
  retry,
  saveBills,
  saveFiles,
  saveIdentity,
  scrape,
  signin,
  signin as submitForm,
  solveCaptcha,
  updateOrCreate,
  utils,
  wrapIfSentrySetUp,
}

/** All of them in one object: `import libs from 'cozy-konnector-libs'`. */
export default {
  BaseKonnector,
  CookieKonnector,
  cozyClient,
  errors,
  log,
  saveFiles,
  saveBills,
  saveIdentity,
  linkBankOperations,
  addData,
  hydrateAndFilter,
  htmlToPDF,
  createCozyPDFDocument,
  filterData,
  updateOrCreate,
  request,
  requestFactory,
  retry,
  wrapIfSentrySetUp,
  Document,
  signin,
  submitForm: signin,
  scrape,
  mkdirp,
  normalizeFilename,
  utils,
  solveCaptcha,
  createCategorizer,
  categorize,
  manifest,
}
