import { RequestError, StatusCodeError } from './request/index.ts'

/** Ways a connection fails that say "the vendor does not answer", and not "the konnector asked for something odd". */
const SILENT = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
])

/** An error of a request holds the whole page in its message; this much of it says what it is. */
const LONGEST_SUMMARY = 500

/** @returns what a failed request says, for a log line: without its options and response, a long page cut short */
export function failureSummary(error: { message: string }): string {
  const { message } = error
  if (message.length <= LONGEST_SUMMARY) return message
  return `${message.slice(0, LONGEST_SUMMARY)}… (${message.length} characters)`
}

/**
 * Whether a konnector that let this error through met a vendor that is down: no answer, or a 5xx. Upstream ends such a run
 * with the raw text (`Error: getaddrinfo ENOTFOUND vendor.example`), which tells the owner nothing.
 * @param error what the konnector threw; only errors of requests to the vendor count, not those of the stack
 */
export function isVendorDown(error: unknown): error is RequestError | StatusCodeError {
  if (error instanceof StatusCodeError) return Number(error.statusCode) >= 500
  return error instanceof RequestError && SILENT.has(String((error.cause as NodeJS.ErrnoException | undefined)?.code))
}
