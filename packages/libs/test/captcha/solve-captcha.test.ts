import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { type CaptchaTask, solveCaptcha, useCaptchaSolver } from '../../src/solve-captcha.ts'
import { startVendor, type Vendor } from '../request/vendor.ts'

// biome-ignore lint/suspicious/noExplicitAny: options outside the types
type Any = any

const SOLUTION = 'a-secret-solution'
const lines: string[] = []
mock.method(console, 'log', (line: string) => void lines.push(line))

afterEach(() => {
  delete process.env.COZY_PARAMETERS
  useCaptchaSolver(undefined)
  lines.length = 0
})

/** A service with the anti-captcha API; `ready` says after how many questions, -1 never. */
async function startService({ ready = 1, created = { errorId: 0, taskId: 7 } as object, result = {} as object } = {}) {
  let asked = 0
  const vendor = await startVendor(({ url }, response) => {
    if (url === '/createTask') return void response.end(JSON.stringify(created))
    asked++
    const done = ready >= 0 && asked >= ready
    const solution = { gRecaptchaResponse: SOLUTION, text: SOLUTION, cost: 1 }
    response.end(
      JSON.stringify({ errorId: 0, ...(done ? { status: 'ready', solution } : { status: 'processing' }), ...result }),
    )
  })
  process.env.COZY_PARAMETERS = JSON.stringify({
    secret: { antiCaptchaClientKey: 'client-key', antiCaptchaApiUrl: `${vendor.url}/` },
  })
  return vendor
}

const site = { websiteKey: 'k', websiteURL: 'https://v.fr/' }
const sent = (vendor: Vendor, position: number) => JSON.parse(vendor.seen[position]?.text ?? 'null')

test('each type: its task, its answer', async () => {
  const table: [options: Any, task: object][] = [
    [site, { type: 'NoCaptchaTaskProxyless', ...site }],
    [
      { type: 'recaptcha', ...site },
      { type: 'NoCaptchaTaskProxyless', ...site },
    ],
    [
      { type: 'hcaptcha', ...site },
      { type: 'HCaptchaTaskProxyless', ...site },
    ],
    [
      { type: 'recaptchav3', ...site, pageAction: 'login', minScore: 0.3 },
      { type: 'RecaptchaV3TaskProxyless', ...site, pageAction: 'login', minScore: 0.3 },
    ],
    [
      { type: 'image', body: 'aGk=' },
      { type: 'ImageToTextTask', body: 'aGk=' },
    ],
  ]
  for (const [options, task] of table) {
    await using vendor = await startService()
    assert.equal(await solveCaptcha(options), SOLUTION)
    assert.deepEqual(sent(vendor, 0), { clientKey: 'client-key', task })
    assert.deepEqual(sent(vendor, 1), { clientKey: 'client-key', taskId: 7 })
    assert.deepEqual(
      vendor.seen.map(({ url }) => url),
      ['/createTask', '/getTaskResult'],
    )
  }
})

test('FIX-4: it asks until the answer is there; withFullSolution; the solution is never logged', async () => {
  await using vendor = await startService({ ready: 3 })
  const solution = await solveCaptcha({ ...site, interval: 1, withFullSolution: true })
  assert.deepEqual(solution, { gRecaptchaResponse: SOLUTION, text: SOLUTION, cost: 1 })
  assert.equal(vendor.seen.length, 4)
  assert.ok(lines.some(line => line.includes('solved')))
  assert.ok(!lines.some(line => line.includes(SOLUTION) || line.includes('client-key')))
})

test('missing and unknown options', async () => {
  await assert.rejects(solveCaptcha(), { message: 'websiteKey, websiteURL are mandatory to solve the captcha' })
  await assert.rejects(solveCaptcha({ type: 'recaptchav3', ...site }), {
    message: /^pageAction, minScore are mandatory/,
  })
  await assert.rejects(solveCaptcha({ type: 'image' }), { message: 'body are mandatory to solve the captcha' })
  await assert.rejects(solveCaptcha({ type: 'other' } as Any), {
    message: /Unknown captcha type "other": use one of recaptcha/,
  })
})

test('FIX-21: no key, no secret, no parameters: CAPTCHA_RESOLUTION_FAILED', async () => {
  for (const parameters of [undefined, '', '{}', '{"secret":{}}', '{"secret":null}', 'null']) {
    if (parameters !== undefined) process.env.COZY_PARAMETERS = parameters
    await assert.rejects(solveCaptcha(site), { message: 'CAPTCHA_RESOLUTION_FAILED' }, String(parameters))
  }
})

test('the time-out', async () => {
  await using _vendor = await startService({ ready: -1 })
  const timeout = Date.now() + 30
  await assert.rejects(solveCaptcha({ ...site, interval: 5, timeout }), {
    message: 'CAPTCHA_RESOLUTION_FAILED.TIMEOUT',
  })
})

test('a service that refuses, fails, or is down', async () => {
  const refusals = [
    { created: { errorId: 1, errorCode: 'ERROR_ZERO_BALANCE' } },
    { result: { errorId: 12, errorCode: 'ERROR_CAPTCHA_UNSOLVABLE' } },
  ]
  for (const options of refusals) {
    await using _vendor = await startService(options)
    await assert.rejects(solveCaptcha(site), { message: 'CAPTCHA_RESOLUTION_FAILED' })
    assert.ok(lines.some(line => /ERROR_ZERO_BALANCE|ERROR_CAPTCHA_UNSOLVABLE/.test(line)))
  }
  const vendor = await startService()
  await vendor[Symbol.asyncDispose]()
  await assert.rejects(solveCaptcha(site), { message: 'CAPTCHA_RESOLUTION_FAILED' })
})

test('a plugged-in solver answers instead', async () => {
  const tasks: [CaptchaTask, number][] = []
  useCaptchaSolver(async (task, deadline) => {
    tasks.push([task, deadline])
    return { gRecaptchaResponse: 'by hand' }
  })
  assert.equal(await solveCaptcha({ ...site, timeout: 5 }), 'by hand')
  assert.deepEqual(tasks, [[{ type: 'NoCaptchaTaskProxyless', ...site }, 5]])
  useCaptchaSolver(() => Promise.reject(new Error('nobody there')))
  await assert.rejects(solveCaptcha(site), { message: 'CAPTCHA_RESOLUTION_FAILED' })
})

test('requestInstance sends the requests', async () => {
  await using _vendor = await startService()
  const calls: string[] = []
  const post = async (url: string) => {
    calls.push(new URL(url).pathname)
    return url.endsWith('createTask') ? { taskId: 1 } : { status: 'ready', solution: { gRecaptchaResponse: 'mine' } }
  }
  assert.equal(await solveCaptcha({ ...site, requestInstance: { post } as Any }), 'mine')
  assert.deepEqual(calls, ['/createTask', '/getTaskResult'])
})
