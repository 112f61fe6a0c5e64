import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

export type Env = Record<string, string | undefined>

/** The job's message: `COZY_FIELDS` (`protocol/konnector-runtime.md` section 1). */
export interface JobMessage {
  account?: string
  folder_to_save?: string
  konnector?: string
  account_deleted?: boolean
  account_rev?: string
  [other: string]: unknown
}

/** What the server tells a konnector, parsed (`protocol/konnector-runtime.md` section 5). */
export interface Environment {
  url: string
  credentials: string
  message: JobMessage
  /** `null` when the konnector has none. */
  parameters: Record<string, unknown> | null
  /** What a webhook sent; `null` when there was none. */
  payload: unknown
  locale: string | undefined
  /** Started by the owner, who is there to answer. */
  manual: boolean
  jobId: string | undefined
  triggerId: string | undefined
  /** Seconds, as `COZY_TIME_LIMIT` says. */
  timeLimit: number | undefined
  /** Lines for people rather than JSON. */
  human: boolean
  logLevel: string | undefined
}

/**
 * @param env usually `process.env`
 * @param scriptDir where the running bundle lies: a payload given as `@file` lies next to it
 * @throws Error with a sentence that says which variable is wrong
 */
export function readEnvironment(env: Env, scriptDir: string): Environment {
  const limit = Number(env.COZY_TIME_LIMIT)
  return {
    url: required(env, 'COZY_URL'),
    credentials: required(env, 'COZY_CREDENTIALS'),
    message: readMessage(env.COZY_FIELDS),
    parameters: parse('COZY_PARAMETERS', env.COZY_PARAMETERS, {}) as Record<string, unknown> | null,
    payload: readPayload(env.COZY_PAYLOAD, scriptDir),
    locale: env.COZY_LOCALE || undefined,
    manual: env.COZY_JOB_MANUAL_EXECUTION === 'true',
    jobId: env.COZY_JOB_ID || undefined,
    triggerId: env.COZY_TRIGGER_ID || undefined,
    timeLimit: Number.isFinite(limit) && limit > 0 ? limit : undefined,
    human: isForPeople(env),
    logLevel: env.LOG_LEVEL,
  }
}

/** True in the modes where somebody reads the terminal (`exports.md` section 23). */
export function isForPeople(env: Env): boolean {
  return ['development', 'standalone', 'test'].includes(env.NODE_ENV ?? '')
}

/** The flat message of a server, or the same nested under `data.attributes.arguments` as older documentation shows it. */
export function readMessage(text: string | undefined): JobMessage {
  const message = (parse('COZY_FIELDS', text, {}) ?? {}) as JobMessage
  if (message.account !== undefined || message.folder_to_save !== undefined) return message
  const nested = (message.data as { attributes?: { arguments?: unknown } } | undefined)?.attributes?.arguments
  return typeof nested === 'object' && nested !== null ? (nested as JobMessage) : message
}

/** `''` and absent are no payload (FIX-3); `@name` is a file next to the script; else JSON. */
export function readPayload(text: string | undefined, scriptDir: string): unknown {
  if (text === undefined || text === '') return null
  if (!text.startsWith('@')) return parse('COZY_PAYLOAD', text, null)
  const file = text.slice(1)
  try {
    return JSON.parse(readFileSync(resolve(scriptDir, file), 'utf8'))
  } catch (error) {
    throw new Error(`Error while reading file ${file} payload: ${(error as Error).message}`, { cause: error })
  }
}

function required(env: Env, name: string): string {
  const value = env[name]
  if (value) return value
  throw new Error(`${name} is not set: a server sets it; without one, run "npx konnectory standalone"`)
}

function parse(name: string, text: string | undefined, missing: unknown): unknown {
  if (text === undefined || text === '') return missing
  try {
    return JSON.parse(text)
  } catch (error) {
    // The value is not shown: it may hold what a webhook or the owner sent.
    throw new Error(`${name} is not JSON`, { cause: error })
  }
}
