import type { Instance } from '#rooms/instances'

export interface EnvironmentInput {
  instance: Instance
  token: string
  /** The job's message, with the destination that was found. */
  message: Record<string, unknown>
  /** Of the installation, else of the manifest. */
  parameters: Record<string, unknown> | undefined
  /** Of the account type of this konnector; undefined when there is none. */
  secret: unknown
  /** Body sent to a webhook. */
  payload: Buffer | undefined
  language: string | undefined
  /** Seconds. */
  timeLimit: number
  jobId: string
  triggerId: string | undefined
  manual: boolean
}

/** Longer payloads go into a file: Linux takes no variable of more than 128 KiB. */
const MOST_PAYLOAD = 100_000
/** What `COZY_FIELDS` may hold, for the same reason. */
const MOST_FIELDS = 120_000
export const PAYLOAD_FILE = 'cozy_payload.json'

/** The message is too long for a variable; nothing was run. */
export class FieldsTooLong extends Error {
  override name = 'FieldsTooLong'
}

/**
 * The variables of a konnector, exactly those of `protocol/konnector-runtime.md` §5. Nothing is inherited.
 * @returns the variables, and the payload when it has to be a file of the work directory
 */
export function environmentOf(input: EnvironmentInput): {
  env: Record<string, string>
  payloadFile: string | undefined
} {
  const { instance, token, message, parameters, secret, language, timeLimit, jobId, triggerId, manual } = input
  const fields = JSON.stringify(message)
  if (Buffer.byteLength(fields) > MOST_FIELDS)
    throw new FieldsTooLong(`the message of the job is longer than ${MOST_FIELDS} bytes`)
  const given =
    parameters === undefined && secret === undefined ? null : { ...parameters, ...(secret !== undefined && { secret }) }
  const payload = payloadText(input.payload)
  const asFile = payload !== undefined && Buffer.byteLength(payload) > MOST_PAYLOAD
  return {
    payloadFile: asFile ? payload : undefined,
    env: {
      COZY_URL: instance.url,
      COZY_CREDENTIALS: token,
      COZY_FIELDS: fields,
      COZY_PARAMETERS: JSON.stringify(given),
      // Unset without a payload: the libraries would parse an empty text.
      ...(payload !== undefined && { COZY_PAYLOAD: asFile ? `@${PAYLOAD_FILE}` : payload }),
      COZY_LANGUAGE: language || 'node',
      COZY_LOCALE: instance.locale,
      COZY_TIME_LIMIT: String(Math.ceil(timeLimit) + 5),
      COZY_JOB_ID: jobId,
      COZY_JOB_MANUAL_EXECUTION: String(manual),
      ...(triggerId !== undefined && { COZY_TRIGGER_ID: triggerId }),
    },
  }
}

/** Only an object in JSON is handed on. */
function payloadText(payload: Buffer | undefined): string | undefined {
  if (!payload) return undefined
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : undefined
  } catch {
    // A vendor may post anything; what is no JSON is not for the konnector.
    return undefined
  }
}
