import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toHumanLine, toJsonLine } from '../src/log-line.ts'
import { createLogger } from '../src/logger.ts'
import { createProgress } from '../src/progress.ts'

const time = new Date('2025-01-01T00:00:00Z')
function capture(options: { human?: boolean; threshold?: string } = {}) {
  const lines: string[] = []
  const log = createLogger({
    write: text => void lines.push(text.trimEnd()),
    namespace: 'acme',
    human: options.human ?? false,
    colours: false,
    threshold: options.threshold,
    now: () => time,
  })
  return { log, lines }
}

describe('lines', () => {
  test('for the server: one JSON object, keys in order', () => {
    const line = {
      time,
      type: 'critical',
      label: 'x',
      namespace: 'acme',
      message: 'm',
      extra: { no_retry: true },
    } as const
    assert.equal(
      toJsonLine(line),
      '{"time":"2025-01-01T00:00:00.000Z","type":"critical","label":"x","namespace":"acme","no_retry":true,"message":"m"}',
    )
  })

  test('for people', () => {
    const line = { time, type: 'info', namespace: 'acme', message: 'm' } as const
    assert.equal(toHumanLine({ ...line, label: 'x' }, false), 'acme: info : "x"  : m')
    assert.equal(toHumanLine(line, false), 'acme: info : m')
    assert.equal(toHumanLine(line), '\u001b[35macme\u001b[39m: \u001b[34minfo\u001b[39m : m')
  })

  test('messages are always text: the server takes other lines for noise', () => {
    const { log, lines } = capture()
    for (const message of [new Error('boom'), { message: 'said' }, { a: 1 }, null, undefined, [1], 5]) log.info(message)
    assert.deepEqual(
      lines.map(line => JSON.parse(line).message),
      ['boom', 'said', '{ a: 1 }', 'null', 'undefined', '[ 1 ]', '5'],
    )
  })

  test('below LOG_LEVEL are not written; an unknown level hides nothing', () => {
    const all = ['debug', 'info', 'warn', 'error', 'critical'] as const
    const shown = (threshold: string) => {
      const { log, lines } = capture({ threshold })
      for (const level of all) log(level, 'm')
      return lines.map(line => JSON.parse(line).type)
    }
    assert.deepEqual(shown('warn'), ['warn', 'error', 'critical'])
    assert.deepEqual(shown('loud'), all)
  })

  test('secrets are masked wherever they appear', () => {
    const { log, lines } = capture()
    for (const secret of ['hunter2', 'hunter22', 'abc', undefined]) log.hide(secret)
    log.info('hunter22 and hunter2, abc abcd', 'label hunter2')
    log.structured('info', 'x hunter2', undefined, {})
    log.hideFields({ login: 'ada', memo: 'blue-sky', nested: { token: 't0k' } }, { memo: { type: 'password' } })
    log.warn({ message: 'ada blue-sky t0k' })
    assert.deepEqual(
      lines.map(line => JSON.parse(line).message),
      ['*** and ***, *** abcd', 'x ***', 'ada *** ***'],
    )
    assert.equal(JSON.parse(lines[0] as string).label, 'label ***')
  })
})

test('progress: at most four lines a second, and always the last', () => {
  const { log, lines } = capture()
  let now = 0
  const progress = createProgress(log, () => now)
  progress.stage('bills')
  for (let done = 1; done <= 1000; done++) {
    now += 1
    progress.update(done, 1000)
  }
  const parsed = lines.map(line => JSON.parse(line))
  assert.deepEqual(parsed[0], {
    time: time.toISOString(),
    type: 'info',
    label: 'stage',
    namespace: 'acme',
    stage: 'bills',
    message: 'bills',
  })
  assert.deepEqual(
    parsed.slice(1).map(line => [line.type, line.label, line.stage, line.done, line.total, line.message]),
    [1, 251, 501, 751, 1000].map(done => ['info', 'progress', 'bills', done, 1000, `${done}/1000`]),
  )
})
