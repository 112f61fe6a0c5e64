import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environmentOf, FieldsTooLong } from '../../src/rooms/konnectors/run/environment.ts'
import { createRunMask } from '../../src/rooms/konnectors/run/mask-run.ts'
import { endingOf } from '../../src/rooms/konnectors/run/outcome.ts'
import { createTranscript, type Stage } from '../../src/rooms/konnectors/run/transcript.ts'

const nothing = { new: 0, updated: 0, files: 0, bytes: 0 }
const silent = { critical: undefined, error: undefined, noRetry: false }
const exit = (code: number | null, signal: NodeJS.Signals | null = null) => ({ end: 'exit' as const, code, signal })

test('a critical line decides, whatever else; then an error line, even with exit code 0; then the exit', () => {
  const critical = { critical: 'LOGIN_FAILED', error: 'other', noRetry: false }
  const login = endingOf({ end: 'timeout', code: null, signal: 'SIGKILL' }, critical, nothing)
  assert.deepEqual(
    [login.error, login.outcome, login.act, login.retry],
    ['LOGIN_FAILED', 'bad_credentials', 'owner', false],
  )
  assert.equal(endingOf(exit(0), { ...silent, error: 'VENDOR_DOWN' }, nothing).outcome, 'vendor_down')
  assert.equal(endingOf(exit(1), silent, nothing).error, 'exit status 1')
  assert.equal(endingOf(exit(null, 'SIGSEGV'), silent, nothing).error, 'signal: SIGSEGV')
  assert.deepEqual(
    [endingOf({ end: 'timeout', code: null, signal: null }, silent, nothing)].map(({ error, outcome }) => [
      error,
      outcome,
    ]),
    [['context deadline exceeded', 'limit']],
  )
  assert.equal(endingOf(exit(0), silent, nothing).outcome, 'nothing_new')
  assert.equal(endingOf(exit(0), silent, { ...nothing, new: 1 }).outcome, 'done')
  assert.equal(endingOf(exit(1), { critical: 'VENDOR_DOWN', error: undefined, noRetry: true }, nothing).retry, false)
  assert.equal(endingOf(exit(1), { critical: 'VENDOR_DOWN', error: undefined, noRetry: false }, nothing).retry, true)
  assert.equal(
    endingOf({ end: 'killed', cause: 'cancelled', code: null, signal: 'SIGKILL' }, silent, nothing).outcome,
    'cancelled',
  )
})

test('secrets are masked in the forms in which they are printed', () => {
  const mask = createRunMask([{ login: 'me@x.fr', password: 'pâss "word"&1' }, 'eyJhbGciOi.token'])
  const said = [
    'pâss "word"&1',
    encodeURIComponent('pâss "word"&1'),
    JSON.stringify({ p: 'pâss "word"&1' }),
    Buffer.from('pâss "word"&1').toString('base64'),
    'Bearer eyJhbGciOi.token',
    Buffer.from('eyJhbGciOi.token').toString('base64url'),
  ]
  for (const text of said) assert.match(mask(text), /\*\*\*/, text)
  assert.equal(mask('an ordinary line'), 'an ordinary line')
  assert.equal(createRunMask([{ pin: '12' }])('12 bills'), '12 bills')
})

const instance = { url: 'https://alice.example.net/', locale: 'fr' } as never
const base = {
  instance,
  token: 't',
  message: { konnector: 'acme' },
  parameters: undefined,
  secret: undefined,
  payload: undefined,
  language: undefined,
  timeLimit: 299.2,
  jobId: 'j1',
  triggerId: undefined,
  manual: false,
}

test('the environment is exactly the documented one', () => {
  assert.deepEqual(environmentOf(base).env, {
    COZY_URL: 'https://alice.example.net/',
    COZY_CREDENTIALS: 't',
    COZY_FIELDS: '{"konnector":"acme"}',
    COZY_PARAMETERS: 'null',
    COZY_LANGUAGE: 'node',
    COZY_LOCALE: 'fr',
    COZY_TIME_LIMIT: '305',
    COZY_JOB_ID: 'j1',
    COZY_JOB_MANUAL_EXECUTION: 'false',
  })
  const full = environmentOf({
    ...base,
    parameters: { a: 1 },
    secret: { key: 'k' },
    triggerId: 't1',
    manual: true,
    payload: Buffer.from('{"b":2}'),
  })
  assert.deepEqual(
    [full.env.COZY_PARAMETERS, full.env.COZY_TRIGGER_ID, full.env.COZY_JOB_MANUAL_EXECUTION, full.env.COZY_PAYLOAD],
    ['{"a":1,"secret":{"key":"k"}}', 't1', 'true', '{"b":2}'],
  )
})

test('a long payload goes into a file, one that is no object is none, a message too long is told', () => {
  const long = environmentOf({ ...base, payload: Buffer.from(JSON.stringify({ text: 'x'.repeat(100_001) })) })
  assert.equal(long.env.COZY_PAYLOAD, '@cozy_payload.json')
  assert.equal(JSON.parse(long.payloadFile ?? '').text.length, 100_001)
  for (const payload of ['[1]', 'text', '{', '3'])
    assert.equal('COZY_PAYLOAD' in environmentOf({ ...base, payload: Buffer.from(payload) }).env, false)
  assert.throws(() => environmentOf({ ...base, message: { konnector: 'a', x: 'y'.repeat(130_000) } }), FieldsTooLong)
})

test('output becomes a masked log, last words and stages; floods are counted', async () => {
  const written: { number: number; level: string; message: string }[] = []
  const stages: Stage[] = []
  const messages: unknown[] = []
  const transcript = createTranscript({
    clock: { now: () => new Date(0) },
    lines: { append: async (_i: string, _j: string, lines: never[]) => void written.push(...lines) } as never,
    instanceId: 'i',
    jobId: 'j',
    mask: createRunMask(['secret']),
    from: 10,
    onMessage: message => void messages.push(message),
    onLine: () => {},
    onStage: stage => void stages.push(stage),
  })
  const say = (value: object | string) =>
    transcript.take({ stream: 'stdout', text: typeof value === 'string' ? value : JSON.stringify(value) })
  say({ type: 'info', message: 'hello secret' })
  say({ type: 'info', label: 'stage', stage: 'bills', message: 'bills' })
  say({ type: 'info', label: 'progress', stage: 'bills', done: 3, total: 40, message: '3/40' })
  say({ type: 'error', message: 'first' })
  say({ type: 'critical', message: 'LOGIN_FAILED', no_retry: true })
  say('not JSON, secret too')
  transcript.take({ stream: 'stdout', text: '{"type":"critical","message":"cut', cutFrom: 70_000 })
  transcript.take({ stream: 'stderr', text: 'warning on stderr' })
  for (let n = 0; n < 6000; n++) say({ type: 'info', message: `line ${n}` })
  const last = await transcript.end()
  assert.deepEqual(transcript.words, { critical: 'LOGIN_FAILED', error: 'first', noRetry: true })
  assert.deepEqual(stages, [{ name: 'bills' }, { name: 'bills', done: 3, total: 40 }])
  assert.deepEqual(messages[0], { type: 'info', message: 'hello ***' })
  assert.deepEqual([written[0]?.number, written[0]?.message], [11, 'hello ***'])
  assert.equal(JSON.stringify(written).includes('secret'), false)
  assert.match(written.at(-1)?.message ?? '', /^1008 more lines were not kept$/)
  assert.equal(last, written.at(-1)?.number)
})
