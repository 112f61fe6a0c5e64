import { existsSync } from 'node:fs'
import type { GatewayRequest } from '../record/gateway.ts'
import { bodyOf, type Har, type HarEntry } from '../record/har.ts'
import { loadRecording } from '../record/recorder.ts'
import { sendEntry } from '../record/replayer.ts'
import { type CheckResult, failed, passed, skipped } from './check.ts'
import { type Bench, replayInto, type Trial, tryOut, withFolder } from './trial.ts'

const HOW_TO_RECORD =
  "To check it with the vendor's real answer, put a wrong password in the config and run: konnectory standalone --record --as wrong-password"

/**
 * A wrong password ends with LOGIN_FAILED. With a recording of one it is replayed. Otherwise the vendor's answer to the login is made up
 * as most sites give it: the login page once more, or 401 from an API. That proves a konnector right when it says LOGIN_FAILED, and wrong when it
 * reports success; any other end may be the fault of our guess, so it is a skip that says so.
 */
export async function wrongPassword(bench: Bench, recording: string): Promise<CheckResult> {
  if (existsSync(recording)) {
    const har = await loadRecording(recording)
    const trial = await withFolder(dir => replayInto(dir, bench, har))
    return isCode(trial.outcome, 'LOGIN_FAILED')
      ? passed
      : failed(
          `With the recorded wrong password the konnector ended with ${trial.outcome}. Throw errors.LOGIN_FAILED.`,
          trial.lines,
        )
  }
  const login = findLogin(bench.har, secretsOf(bench))
  if (!login) return skipped(`No recorded request sends the password, so a refusal cannot be made up. ${HOW_TO_RECORD}`)
  const page = loginPage(bench.har, login)
  if (!page && !isApi(login)) return skipped(`The recording has no login page to show again. ${HOW_TO_RECORD}`)

  let refused = false
  const trial = await withFolder(dir =>
    replayInto(dir, bench, bench.har, {
      intercept: (request, entry) => {
        if (entry === login) refused = true
        if (!refused) return false
        refuse(request, entry, page)
        return true
      },
    }),
  )
  const ended = trial.replayer && trial.replayer.unknown.length > 0 ? errorOf(trial) : trial.outcome
  if (isCode(ended, 'LOGIN_FAILED')) return passed
  if (ended === 'done') {
    return failed(
      'The vendor refused the login and the konnector reported success. Check the answer to the login and throw errors.LOGIN_FAILED.',
      trial.lines,
    )
  }
  return skipped(
    `Refused with ${page ? 'the login page once more' : '401'}, the konnector ended with ${ended}, which may be right for another answer of this vendor. ${HOW_TO_RECORD}`,
  )
}

/** A vendor that fails, in the two usual ways, ends with VENDOR_DOWN. */
export async function vendorDown(bench: Bench): Promise<CheckResult> {
  const unavailable = ({ incoming, answer }: GatewayRequest): void => {
    incoming.resume()
    answer.writeHead(503, { 'content-type': 'text/html', connection: 'close' })
    answer.end('<html><title>503 Service Unavailable</title></html>')
  }
  const refused = ({ url, fail }: GatewayRequest): void => {
    const { host } = new URL(url)
    fail({ message: `connect ECONNREFUSED ${host}`, code: 'ECONNREFUSED', errno: -111, syscall: 'connect' })
  }
  for (const [what, handle, codes] of [
    ['answers 503 to everything', unavailable, ['VENDOR_DOWN', 'MAINTENANCE']],
    ['refuses connections', refused, ['VENDOR_DOWN']],
  ] as const) {
    let asked = 0
    const trial = await withFolder(dir =>
      tryOut(dir, bench, bench.har, request => {
        asked++
        handle(request)
      }),
    )
    if (asked === 0) return skipped('The konnector sends no request to a vendor.')
    if (codes.some(code => isCode(trial.outcome, code))) continue
    return failed(
      `When the vendor ${what}, the konnector ended with ${trial.outcome}. Catch network and 5xx errors and throw errors.VENDOR_DOWN.`,
      trial.lines,
    )
  }
  return passed
}

function isCode(outcome: string, code: string): boolean {
  return outcome === code || outcome.startsWith(`${code}.`)
}

/** Requests that we did not know after the refusal are our doing: what the konnector itself said counts. */
function errorOf({ run }: Trial): string {
  return run.code === 0 ? 'done' : (run.error ?? `exit code ${run.code}`)
}

/** What stands for the passwords in the recording. */
function secretsOf({ project, har }: Bench): string[] {
  const { fields } = har.log._konnectory
  const named = project.fields
    .filter(field => field.type === 'password' || field.encrypted)
    .map(field => fields[field.name])
  return [...named, fields.password].filter((value): value is string => typeof value === 'string' && value !== '')
}

function findLogin({ log }: Har, secrets: string[]): HarEntry | undefined {
  return log.entries.find(({ request }) => {
    const authorization = request.headers.find(({ name }) => name.toLowerCase() === 'authorization')?.value ?? ''
    const basic = /^basic /i.test(authorization) ? Buffer.from(authorization.slice(6), 'base64').toString() : ''
    const sent = [request.url, request.postData?.text ?? '', basic]
    return secrets.some(secret => sent.some(text => text.includes(secret) || text.includes(encodeURIComponent(secret))))
  })
}

function isApi({ request, response }: HarEntry): boolean {
  return (
    /json/i.test(`${response.content.mimeType} ${request.postData?.mimeType ?? ''}`) ||
    request.headers.some(({ name }) => /^authorization$/i.test(name))
  )
}

/** The last page before the login that asks for a password. */
function loginPage({ log }: Har, login: HarEntry): HarEntry | undefined {
  const before = log.entries.slice(0, log.entries.indexOf(login))
  return before.findLast(
    entry =>
      entry.response.status === 200 &&
      /html/i.test(entry.response.content.mimeType) &&
      /type\s*=\s*["']?password/i.test(bodyOf(entry).toString()),
  )
}

function refuse({ answer }: GatewayRequest, entry: HarEntry, page: HarEntry | undefined): void {
  if (page && !isApi(entry)) {
    sendEntry(page, answer)
    return
  }
  const body = JSON.stringify({
    error: 'invalid_grant',
    error_description: 'Invalid credentials',
    message: 'Invalid credentials',
  })
  answer.writeHead(401, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  answer.end(body)
}
