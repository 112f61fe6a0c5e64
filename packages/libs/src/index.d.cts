/**
 * Types of `require('@konnectory/libs')` (index.cjs): the exports of index.ts without its default. Written out, because a
 * CommonJS declaration may only take types from an ES module; test/types.ts holds the two equal.
 */
import type * as libs from './index.ts' with { 'resolution-mode': 'import' }

export type {
  AnyDocument,
  CozyFields,
  CozyMetadataDraft,
  ErrorCode,
  FactoryOptions,
  FetchFunction,
  Fields,
  FileResource,
  FullResponse,
  JsonApiResource,
  Log,
  LogType,
  ManifestData,
  Parameters,
  Request,
  RequestFunction,
  RequestJar,
  RequestOptions,
  TwoFaOptions,
} from './index.ts' with { 'resolution-mode': 'import' }

// The classes are types too.
export type BaseKonnector = libs.BaseKonnector
export type CookieKonnector = libs.CookieKonnector
export type Document = libs.Document

export declare const BaseKonnector: typeof libs.BaseKonnector
export declare const CookieKonnector: typeof libs.CookieKonnector
export declare const cozyClient: typeof libs.cozyClient
export declare const errors: typeof libs.errors
export declare const log: typeof libs.log
export declare const saveFiles: typeof libs.saveFiles
export declare const saveBills: typeof libs.saveBills
export declare const saveIdentity: typeof libs.saveIdentity
export declare const linkBankOperations: typeof libs.linkBankOperations
export declare const addData: typeof libs.addData
export declare const hydrateAndFilter: typeof libs.hydrateAndFilter
export declare const htmlToPDF: typeof libs.htmlToPDF
export declare const createCozyPDFDocument: typeof libs.createCozyPDFDocument
export declare const filterData: typeof libs.filterData
export declare const updateOrCreate: typeof libs.updateOrCreate
export declare const request: typeof libs.request
export declare const requestFactory: typeof libs.requestFactory
export declare const retry: typeof libs.retry
export declare const wrapIfSentrySetUp: typeof libs.wrapIfSentrySetUp
export declare const Document: typeof libs.Document
export declare const signin: typeof libs.signin
export declare const submitForm: typeof libs.submitForm
export declare const scrape: typeof libs.scrape
export declare const mkdirp: typeof libs.mkdirp
export declare const normalizeFilename: typeof libs.normalizeFilename
export declare const utils: typeof libs.utils
export declare const solveCaptcha: typeof libs.solveCaptcha
export declare const createCategorizer: typeof libs.createCategorizer
export declare const categorize: typeof libs.categorize
export declare const manifest: typeof libs.manifest
