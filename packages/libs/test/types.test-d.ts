/**
 * What a TypeScript author sees of the library. Nothing here runs: `tsc -p .` checks it, and fails too when a line under
 * `@ts-expect-error` has become right.
 */

import type * as named from '@konnectory/libs'
import type libs from '@konnectory/libs'
import {
  addData,
  BaseKonnector,
  CookieKonnector,
  type categorize,
  cozyClient,
  type createCategorizer,
  Document,
  errors,
  type FullResponse,
  type filterData,
  hydrateAndFilter,
  type linkBankOperations,
  log,
  manifest,
  mkdirp,
  normalizeFilename,
  type Request,
  type RequestJar,
  request,
  requestFactory,
  retry,
  saveBills,
  saveFiles,
  saveIdentity,
  scrape,
  signin,
  solveCaptcha,
  type updateOrCreate,
  utils,
} from '@konnectory/libs'
import type deepErrors from '@konnectory/libs/dist/helpers/errors'
import type deepBase from '@konnectory/libs/dist/libs/BaseKonnector'
import type deepRequest from '@konnectory/libs/dist/libs/request'
import type * as deepRequestParts from '@konnectory/libs/dist/libs/request/request'
import type deepClient from '@konnectory/libs/libs/cozyclient'
import type * as deepIdentity from '@konnectory/libs/src/libs/saveIdentity.js'

type AsRequired = typeof import('@konnectory/libs', { with: { 'resolution-mode': 'require' }})

type IsAny<T> = 0 extends 1 & T ? true : false
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles only for `true`. */
function holds<_T extends true>(): void {}
type NotAny<T> = IsAny<T> extends false ? true : false

// --- the three ways to the same exports

holds<Equal<keyof AsRequired, Exclude<keyof typeof named, 'default'>>>()
holds<Equal<keyof typeof libs, keyof AsRequired>>()
holds<Equal<AsRequired['saveBills'], typeof saveBills>>()
holds<Equal<AsRequired['BaseKonnector'], typeof BaseKonnector>>()
holds<Equal<InstanceType<AsRequired['BaseKonnector']>, BaseKonnector>>()
holds<Equal<typeof deepBase, typeof BaseKonnector>>()
holds<Equal<typeof deepClient, typeof cozyClient>>()
holds<Equal<typeof deepErrors, typeof errors>>()
holds<Equal<typeof deepRequest, typeof requestFactory>>()
holds<Equal<typeof deepRequestParts.DEFAULT_USER_AGENT, string>>()
holds<Equal<typeof deepIdentity.saveIdentity, typeof saveIdentity>>()

/** Names of the exports that are `any`: none. */
type Anys<T> = { [K in keyof T]: IsAny<T[K]> extends true ? K : never }[keyof T]
holds<Equal<Anys<typeof named>, never>>()
holds<Equal<Anys<typeof libs>, never>>()

// --- konnectors

export const promise = new BaseKonnector(async function (fields, parameters) {
  holds<Equal<typeof this, BaseKonnector>>()
  const login: string = fields.login
  const code: string = await this.waitForTwoFaCode({ type: 'sms', retry: true, endTime: Date.now() })
  await this.saveBills([{ vendor: 'v', date: new Date(), amount: 1 }], fields, { linkBankOperations: false })
  const files = await this.saveFiles([{ fileurl: 'https://v/a.pdf', filename: 'a.pdf' }], fields.folderPath)
  holds<NotAny<typeof files>>()
  await this.updateAccountAttributes({ state: login + code + parameters?.a })
  // @ts-expect-error an option that does not exist
  await this.waitForTwoFaCode({ until: 1 })
  // @ts-expect-error there is no such method
  await this.saveInvoices([])
})

// @ts-expect-error a konnector is a function, not a name
new BaseKonnector('start')

export class Mine extends CookieKonnector {
  async testSession(): Promise<boolean> {
    const full = await this.request<FullResponse<{ ok: boolean }>>('https://v/', { resolveWithFullResponse: true })
    holds<Equal<typeof full.body.ok, boolean>>()
    holds<Equal<typeof full.statusCode, number>>()
    return full.body.ok
  }

  override async fetch(): Promise<void> {
    this.request = this.requestFactory({ json: true, headers: { 'X-A': 'b' } })
    const jar: RequestJar = this._jar
    const header: string = jar.getCookieString('https://v/')
    await this.saveSession()
    log('info', header)
    // @ts-expect-error the inner jar of tough-cookie has no such method
    this._jar._jar.cookies()
  }
}

// --- log, errors

log('warn', { message: 'text' }, 'label', 'namespace')
holds<Equal<typeof errors.LOGIN_FAILED_TOO_MANY_ATTEMPTS, 'LOGIN_FAILED.TOO_MANY_ATTEMPTS'>>()
// @ts-expect-error upstream's users read undefined here (real-usage.md section 10, 13): a compiler says so
void errors.UNKOWN_ERROR
// @ts-expect-error a bare function: no methods
log.info('text')

// --- requests

export async function requests(): Promise<void> {
  const send = requestFactory({ cheerio: true, jar: true, debug: 'simple', userAgent: true })
  const one: Request<string> = send<string>('https://v/')
  const text = await one
  holds<Equal<typeof text, string>>()
  const lengths = await send<string[]>('https://v/')
    .then(list => list)
    .map((item: string) => item.length)
  holds<Equal<typeof lengths, number[]>>()
  send.defaults({ headers: { a: '1' } }).post({ uri: 'https://v/', form: { a: 1 } })
  send.jar().setCookie('a=1', 'https://v/')
  // @ts-expect-error a number is no debug mode
  requestFactory({ debug: 3 })
  // @ts-expect-error a number is no address
  send(3)
  // @ts-expect-error no such verb
  send.options('https://v/')
  request({ cheerio: true })
}

export async function pages(): Promise<void> {
  const options = { url: 'https://v/', formSelector: 'form' }
  await signin({
    ...options,
    parse: 'json',
    validate: (status, _$, full) => status === 200 && full.headers !== undefined,
  })
  // @ts-expect-error the selector is needed
  signin({ url: 'https://v/' })
  // @ts-expect-error no such way to parse
  signin({ ...options, parse: 'xml' })
  const list = scrape({}, { a: '.a', b: { sel: '.b', parse: Number, attr: 'href' } }, '.row')
  holds<Equal<typeof list extends unknown[] ? true : false, true>>()
  const item = scrape({}, { a: { fn: $node => $node.text() } })
  holds<Equal<typeof item extends unknown[] ? true : false, false>>()
  // @ts-expect-error attr is a name
  scrape({}, { a: { sel: '.a', attr: 1 } })
}

// --- saving and documents

export async function saving(): Promise<void> {
  const account = { sourceAccount: 'a', sourceAccountIdentifier: 'me' }
  const saved = await saveFiles([{ filestream: Buffer.from('x'), filename: 'a' }], '/folder', account)
  const id: string | undefined = saved[0]?.fileDocument?._id
  const bills = await saveBills([{ vendor: 'v' }], '/folder', { ...account, linkBankOperations: false })
  const invoice: string | undefined = bills?.[0]?._id
  const linked = await saveBills([{ vendor: 'v' }], '/folder', account)
  holds<NotAny<typeof linked>>()
  const stored = await addData([{ a: 1 }], 'io.cozy.things', account)
  holds<Equal<(typeof stored)[number]['_id'], string>>()
  const kept = await hydrateAndFilter([{ a: 1 }], 'io.cozy.things', { keys: ['a'] })
  holds<NotAny<typeof kept>>()
  holds<Equal<typeof filterData, typeof hydrateAndFilter>>()
  holds<NotAny<Awaited<ReturnType<typeof updateOrCreate>>>>()
  holds<NotAny<Awaited<ReturnType<typeof linkBankOperations>>>>()
  await saveIdentity({ name: { familyName: 'x' } }, 'me', account)
  // @ts-expect-error the doctype is a text
  await addData([], 3)
  void [id, invoice]
}

export async function clients(): Promise<void> {
  const file = await cozyClient.files.statByPath('/a')
  const name: string | undefined = file.attributes.name
  const doc = await cozyClient.data.find('io.cozy.bills', 'id')
  holds<Equal<typeof doc._id, string>>()
  const { label } = cozyClient.new.models.document.Qualification.getByLabel('phone_invoice')
  holds<Equal<typeof label, string>>()
  const directory = await mkdirp('/a', 'b')
  holds<Equal<NonNullable<typeof directory>['isDir'], boolean>>()
  const { toKeep } = await utils.findDuplicates('io.cozy.bills', { keys: ['date'] })
  const day: string = utils.formatDate(new Date())
  const pdf = await utils.getPdfText('id', { pages: [1] })
  holds<Equal<typeof pdf.text, string>>()
  const { slug } = manifest.data
  holds<Equal<typeof slug, string | undefined>>()
  // @ts-expect-error there is no such client method
  cozyClient.files.rename('/a')
  // @ts-expect-error an id is a text
  cozyClient.data.find('io.cozy.bills', 3)
  void [name, toKeep, day]
}

export async function tools(): Promise<void> {
  const tried = await retry(async () => 3, { max_tries: 2, throw_original: true })
  holds<Equal<typeof tried, number>>()
  throw new retry.StopError('enough')
}

export async function others(): Promise<void> {
  const name: string = normalizeFilename('a', 'pdf')
  // @ts-expect-error minScore is a number
  await solveCaptcha({ type: 'recaptchav3', minScore: 'high' })
  holds<NotAny<Awaited<ReturnType<typeof categorize>>>>()
  holds<NotAny<Awaited<ReturnType<typeof createCategorizer>>>>()
  class Bill extends Document {
    validate(attributes: { amount?: number }): void {
      if (!attributes.amount) throw new Error(name)
    }
  }
  holds<Equal<ReturnType<Bill['isEqual']>, boolean>>()
}
