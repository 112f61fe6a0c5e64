import type Bluebird from 'bluebird'
import heavy from './heavy.cjs'
import { log } from './log.ts'
import requestFactory, {
  type FactoryOptions,
  type FullResponse,
  RequestError,
  type RequestFunction,
  StatusCodeError,
} from './request/index.ts'
import { failureSummary } from './vendor-down.ts'

// biome-ignore lint/suspicious/noExplicitAny: `$` and bodies are untyped in the compatible API
type Any = any

export interface SigninOptions extends Omit<FactoryOptions, 'formData'> {
  /** Address of the page with the form. */
  url: string
  /** CSS selector of the form. */
  formSelector: string
  /** Values over those of the form, or a function of the page that gives them. */
  formData?: Record<string, unknown> | (($: Any) => Record<string, unknown>)
  /** What the answer is made into; default `cheerio`. */
  parse?: 'cheerio' | 'json' | 'raw'
  /**
   * Whether the login worked; may be async. Falsy: LOGIN_FAILED; what it throws passes unchanged.
   * Default: the status is 200.
   */
  validate?: (statusCode: number, body: Any, fullResponse: FullResponse) => unknown
  /** Send with this function (its jar, its defaults); the other request options are then ignored. */
  requestInstance?: RequestFunction
}

/**
 * Fetches a page, fills its form in and submits it (exports.md section 6). Also exported as `submitForm`.
 * Selected options, textareas and checked boxes of the form are sent; buttons and disabled fields are not.
 * @returns a Bluebird promise of the answer, parsed as `parse` says. It rejects with `LOGIN_FAILED` (validate),
 *   `INVALID_FORM` (the selector matches no form), `VENDOR_DOWN` (no answer, or a status outside 2xx while `simple`)
 * @throws {Error} at once, without `url` or `formSelector`, and `UNKNOWN_PARSING_STRATEGY` for another `parse`
 */
export function signin(options: SigninOptions = {} as SigninOptions): Bluebird<Any> {
  const { url, formSelector, formData = {}, parse = 'cheerio', validate, ...requestOptions } = options
  if (url === undefined) throw new Error('signin: `url` must be defined')
  if (formSelector === undefined) throw new Error('signin: `formSelector` must be defined')
  const parseBody = parser(parse)
  const isValid = validate ?? ((statusCode: number) => statusCode === 200)
  const request = requestOptions.requestInstance ?? requestFactory({ jar: true, json: false, ...requestOptions })

  return request({ uri: url, transform: loadPage })
    .catch(reportVendorDown)
    .then(($: Any) => {
      const values = typeof formData === 'function' ? formData($) : formData
      const form = readForm($, formSelector)
      return request({
        uri: new URL(form.action || url, url).href,
        method: 'POST',
        form: { ...form.inputs, ...values },
        transform: (body: Any, response: Any) => [response.statusCode, parseBody(body), response],
        headers: { Referer: url },
      }).catch(reportVendorDown)
    })
    .then(async ([statusCode, body, response]: [number, Any, FullResponse]) => {
      if (!(await isValid(statusCode, body, response))) throw new Error('LOGIN_FAILED')
      return body
    }) as Bluebird<Any>
}

export default signin

const loadPage = (body: Any): Any => heavy.cheerio().load(body)

function parser(parse: string): (body: Any) => unknown {
  if (parse === 'cheerio') return loadPage
  if (parse === 'json') return JSON.parse
  if (parse === 'raw') return body => body
  log('error', `signin: parsing strategy \`${parse}\` unknown. Use one of \`raw\`, \`cheerio\` or \`json\``)
  throw new Error('UNKNOWN_PARSING_STRATEGY')
}

function readForm($: Any, formSelector: string): { action: string | undefined; inputs: Record<string, unknown> } {
  const form = $(formSelector).first()
  if (!form.is('form')) {
    log('error', `element matching \`${formSelector}\` is not a \`form\``)
    throw new Error('INVALID_FORM')
  }
  const pairs = form.serializeArray().map(({ name, value }: { name: string; value: unknown }) => [name, value])
  return { action: form.attr('action'), inputs: Object.fromEntries(pairs) }
}

/** A vendor that does not answer, or answers an error, is down; anything else is the konnector's own error. */
function reportVendorDown(error: unknown): never {
  if (error instanceof RequestError || error instanceof StatusCodeError) {
    log('error', failureSummary(error))
    throw new Error('VENDOR_DOWN')
  }
  throw error
}
