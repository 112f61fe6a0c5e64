import { log } from './log.ts'
import { bluebirdRequestClass } from './request/promise-layer.ts'
import { createRequestFunction } from './request/request-function.ts'
import type { RequestCall } from './request/types.ts'

const TASKS = {
  recaptcha: { task: 'NoCaptchaTaskProxyless', needs: ['websiteKey', 'websiteURL'], answer: 'gRecaptchaResponse' },
  hcaptcha: { task: 'HCaptchaTaskProxyless', needs: ['websiteKey', 'websiteURL'], answer: 'gRecaptchaResponse' },
  recaptchav3: {
    task: 'RecaptchaV3TaskProxyless',
    needs: ['websiteKey', 'websiteURL', 'pageAction', 'minScore'],
    answer: 'gRecaptchaResponse',
  },
  image: { task: 'ImageToTextTask', needs: ['body'], answer: 'text' },
} as const

export interface CaptchaOptions {
  type?: keyof typeof TASKS
  /** The site's public key, and the page that shows the captcha. */
  websiteKey?: string
  websiteURL?: string
  /** recaptchav3: the action named by the page, and the lowest acceptable score. */
  pageAction?: string
  minScore?: number
  /** image: base64. */
  body?: string
  /** Epoch milliseconds after which to give up; default 3 minutes after the process started. */
  timeout?: number
  /** Milliseconds between two questions to the service; default 10 000. */
  interval?: number
  /** Resolve with the whole solution instead of its one useful attribute. */
  withFullSolution?: boolean
  /** Sends the requests; default a plain request function. */
  requestInstance?: { post: RequestCall }
}

/** What is to be solved, in the words of the anti-captcha API (which several services speak). */
export interface CaptchaTask {
  type: string
  websiteKey?: string
  websiteURL?: string
  pageAction?: string
  minScore?: number
  body?: string
}

export type CaptchaSolution = Record<string, unknown>

/**
 * Solves a captcha in some other way than the service: asks a person on the terminal, calls a self-hosted model …
 * @param deadline epoch milliseconds
 * @returns the solution, `{gRecaptchaResponse}` or `{text}`
 */
export type CaptchaSolver = (task: CaptchaTask, deadline: number) => Promise<CaptchaSolution>

const DEFAULT_API = 'https://api.anti-captcha.com'
const FAILED = 'CAPTCHA_RESOLUTION_FAILED'
const NAMESPACE = 'solveCaptcha'

let pluggedIn: CaptchaSolver | undefined

/** Makes solveCaptcha use this solver; `undefined` goes back to the service of COZY_PARAMETERS. */
export function useCaptchaSolver(solver: CaptchaSolver | undefined): void {
  pluggedIn = solver
}

/**
 * Solves a captcha (exports.md section 21), with the plugged-in solver or else with a service that speaks the
 * anti-captcha API: key in `COZY_PARAMETERS.secret.antiCaptchaClientKey`, address in
 * `COZY_PARAMETERS.secret.antiCaptchaApiUrl` (default api.anti-captcha.com). The solution is never logged.
 * @returns the response to put in the form (`gRecaptchaResponse`, or `text` of an image), or the full solution
 * @throws {Error} `CAPTCHA_RESOLUTION_FAILED`, also when there is no key (FIX-21); `CAPTCHA_RESOLUTION_FAILED.TIMEOUT`;
 *   `… are mandatory to solve the captcha` and `Unknown captcha type …` for wrong options
 */
// biome-ignore lint/suspicious/noExplicitAny: a string, or whatever attributes the service gives
export async function solveCaptcha(options: CaptchaOptions = {}): Promise<any> {
  const { type = 'recaptcha', withFullSolution = false } = options
  const kind = TASKS[type]
  if (!kind) throw new Error(`Unknown captcha type "${type}": use one of ${Object.keys(TASKS).join(', ')}`)
  const missing = kind.needs.filter(name => !(name in options))
  if (missing.length > 0) throw new Error(`${missing.join(', ')} are mandatory to solve the captcha`)

  const task: CaptchaTask = { type: kind.task }
  for (const name of kind.needs) Object.assign(task, { [name]: options[name] })
  const deadline = options.timeout ?? defaultDeadline()
  const solution = await (pluggedIn ?? serviceSolver(options))(task, deadline).catch(asResolutionFailure)
  return withFullSolution ? solution : solution[kind.answer]
}

export default solveCaptcha

/** Three minutes from the start of the process: one is left of the usual four for the rest of the run. */
function defaultDeadline(): number {
  return Date.now() - process.uptime() * 1000 + 3 * 60_000
}

/** Whatever went wrong inside (service down, wrong JSON): the konnector's error is that there is no solution. */
function asResolutionFailure(error: unknown): never {
  const { message = String(error) } = (error ?? {}) as { message?: string }
  if (message.startsWith(FAILED)) throw error
  log('warn', `Captcha solver: ${message}`, undefined, NAMESPACE)
  throw new Error(FAILED, { cause: error })
}

function serviceSolver(options: CaptchaOptions): CaptchaSolver {
  return async (task, deadline) => {
    const { clientKey, api } = readParameters()
    if (!clientKey) {
      const hint = 'set secret.antiCaptchaClientKey in the konnector parameters'
      log('warn', `Could not find any anticaptcha secret key: ${hint}`, undefined, NAMESPACE)
      throw new Error(FAILED)
    }
    const request = options.requestInstance ?? createRequestFunction({ requestClass: bluebirdRequestClass, observers })
    const call = (method: string, body: object) =>
      request.post(`${api}/${method}`, { body: { clientKey, ...body }, json: true })
    const created = await call('createTask', { task })
    if (!created?.taskId) {
      log('warn', `Could not create anticaptcha task: ${serviceError(created)}`, undefined, NAMESPACE)
      throw new Error(FAILED)
    }
    for (;;) {
      const result = await call('getTaskResult', { taskId: created.taskId })
      if (result?.errorId) {
        log('error', `Anticaptcha error: ${serviceError(result)}`, undefined, NAMESPACE)
        throw new Error(FAILED)
      }
      if (result?.status === 'ready') {
        log('info', 'The captcha is solved', undefined, NAMESPACE)
        return result.solution ?? {}
      }
      if (Date.now() > deadline) {
        log('warn', 'Captcha resolution timeout', undefined, NAMESPACE)
        throw new Error(`${FAILED}.TIMEOUT`)
      }
      await new Promise(resolve => setTimeout(resolve, options.interval ?? 10_000))
    }
  }
}

const observers = () => []

/** Only the error's own words: an answer may carry more than one wants in a log. */
function serviceError(answer: { errorCode?: string; errorDescription?: string } | undefined): string {
  return [answer?.errorCode, answer?.errorDescription].filter(Boolean).join(': ') || 'no reason given'
}

function readParameters(): { clientKey: string | undefined; api: string } {
  const { secret } = JSON.parse(process.env.COZY_PARAMETERS || '{}') ?? {}
  const api = String(secret?.antiCaptchaApiUrl || DEFAULT_API)
  return { clientKey: secret?.antiCaptchaClientKey, api: api.replace(/\/+$/, '') }
}
