/** Types of heavy.cjs: one getter per module that must not be loaded before it is used. */
import type Bluebird = require('bluebird')

export type CheerioModule = typeof import('cheerio', { with: { 'resolution-mode': 'import' }})
export type ToughCookieModule = typeof import('tough-cookie')

/** @cypress/request publishes no types: what we use of it. */
export interface RequestModule {
  Request: { new (options: object): object; prototype: object; debug: boolean | undefined }
}

export function cheerio(): CheerioModule
export function request(): RequestModule
export function bluebird(): typeof Bluebird
export function toughCookie(): ToughCookieModule

/** The konnector's own optional modules; undefined when it has none. They are untyped or of unknown version. */
export function pdfjs(): unknown
export function pdfjsHelveticaBold(): unknown
export function pdfjsHelveticaOblique(): unknown
export function pdfjsDist(): unknown
export function pdfjsDistWorker(): unknown
export function zombie(): unknown
export function zombieFetch(): unknown
