import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, type LogLevel } from '../../src/ground/index.ts'

function recorded(level: LogLevel = 'debug') {
  const lines: string[] = []
  const clock = { now: () => new Date('2026-11-20T10:00:00Z') }
  const log = createLog({ level, clock, write: line => lines.push(line) })
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '') }
}

test('a line is JSON with time, level, message and fields', () => {
  const { log, lines, last } = recorded()
  log.with({ room: 'data' }).info('two\nlines', { count: 2, big: 3n, none: undefined })
  assert.deepEqual(last(), {
    time: '2026-11-20T10:00:00.000Z',
    level: 'info',
    message: 'two\nlines',
    room: 'data',
    count: 2,
    big: '3',
  })
  assert.match(lines[0]!, /^[^\n]*\n$/)
})

test('below the level nothing is written', () => {
  const { log, lines } = recorded('warn')
  log.info('no')
  log.debug('no')
  log.warn('yes')
  assert.equal(lines.length, 1)
  const silent = recorded('silent')
  silent.log.error('no')
  assert.deepEqual(silent.lines, [])
})

test('secrets are masked by name, by shape and by value', () => {
  const { log, lines } = recorded()
  log.hide('s3cr3t-value')
  const cause = new Error('postgres://admin:hunter2@db:5432/x refused s3cr3t-value')
  log.error('cannot reach postgresql://admin:hunter2@db/x?password=hunter2 with s3cr3t-value', {
    password: 'hunter2',
    accessToken: { nested: 'hunter2' },
    headers: { Authorization: 'Bearer hunter2', cookie: 'a=hunter2' },
    list: [{ clientSecret: 'hunter2' }, 'https://u:hunter2@h/'],
    error: new Error('outer s3cr3t-value', { cause }),
    at: 'a password with an @: postgres://u:hunter2@hunter2@h/d',
    url: 'GET /files/x?Dl=1&bearer_token=hunter2&access_code=hunter2&state=hunter2#top',
    harmless: 'kept',
  })
  log.with({ token: 'hunter2' }).info('x')
  const all = lines.join('')
  assert.doesNotMatch(all, /hunter2|s3cr3t-value/)
  assert.match(all, /kept/)
  assert.match(all, /postgresql:\/\/admin:\*\*\*@db\/x/)
})

test('errors keep their code and cause; circles and depth end', () => {
  const { log, last } = recorded()
  const circle: Record<string, unknown> = {}
  circle.self = circle
  const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), { code: 'X1' })
  log.warn('x', { error, circle, deep: { a: { b: { c: { d: { e: { f: 1 } } } } } } })
  assert.equal(last().error.code, 'X1')
  assert.equal(last().error.cause.name, 'TypeError')
  assert.deepEqual(last().circle, { self: '[…]' })
  assert.match(JSON.stringify(last().deep), /\[…\]/)
})
