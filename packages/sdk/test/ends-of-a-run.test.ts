import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { abortAfter } from '../src/time-limit.ts'
import { startKonnector, startStack } from './konnector-process.ts'

const FILE = join(import.meta.dirname, 'misbehaving.ts')

async function start(does: string, env: Record<string, string> = {}) {
  const stack = await startStack({})
  const running = startKonnector(FILE, { ...stack.env, COZY_PARAMETERS: JSON.stringify({ does }), ...env })
  return { ...running, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
}

/** What it does, the message of the critical line, and the exit code. */
const ends: [does: string, critical: RegExp | undefined, code: number][] = [
  ['leavesServerOpen', undefined, 0],
  ['neverSettles', /^UNKNOWN_ERROR/, 1],
  ['strayRejection', /^VENDOR_DOWN\.STRAY$/, 1],
  ['strayNull', /^UNKNOWN_ERROR$/, 1],
  ['strayException', /^LOST$/, 1],
  ['throwsNull', /^UNKNOWN_ERROR$/, 1],
  ['throwsText', /^LOGIN_FAILED\.BLOCKED$/, 1],
  ['throwsObject', /^UNKNOWN_ERROR$/, 1],
]

describe('a run that', () => {
  for (const [does, critical, code] of ends) {
    test(does, async () => {
      await using running = await start(does)
      const end = await running.ended
      assert.equal(end.code, code, end.output)
      if (critical) assert.match(end.critical ?? '', critical)
      else assert.equal(end.critical, undefined)
    })
  }

  test('saysMuch writes a line the server still reads: under 64 KiB', async () => {
    await using running = await start('saysMuch')
    const end = await running.ended
    const line = end.lines.find(item => item.message.startsWith('éé'))
    assert.ok(line)
    assert.ok(Buffer.byteLength(end.output) < 65_536 && line.message.length > 10_000)
    assert.equal(end.code, 0)
  })

  test('reaches its time limit is told by its signal, and ends with TIMEOUT', async () => {
    await using running = await start('waitsForSignal', { COZY_TIME_LIMIT: '6' })
    const end = await running.ended
    assert.deepEqual([end.code, end.critical], [1, 'TIMEOUT'], end.output)
  })

  test('ignores its signal is ended anyway', async () => {
    await using running = await start('ignoresSignal', { COZY_TIME_LIMIT: '6' })
    const end = await running.ended
    assert.deepEqual([end.code, end.critical], [1, 'TIMEOUT'], end.output)
  })

  test('gets a SIGTERM says so and ends with 143', async () => {
    await using running = await start('waitsForSignal')
    await running.line(line => line.message === 'waiting')
    running.kill('SIGTERM')
    const end = await running.ended
    assert.deepEqual([end.code, end.critical], [143, 'The konnector got a SIGTERM'], end.output)
  })

  test('has no stack to talk to says what to do', async () => {
    await using running = await start('throwsNull', { COZY_URL: '' })
    const end = await running.ended
    assert.equal(end.code, 1)
    assert.match(end.critical ?? '', /COZY_URL is not set.*npx konnectory standalone/)
  })

  test('has an account that cannot be read is CANNOT_FIND_ACCOUNT; a folder, NOT_EXISTING_DIRECTORY', async () => {
    await using lost = await start('throwsNull', { COZY_FIELDS: '{"account":"nobody"}' })
    assert.equal((await lost.ended).critical, 'CANNOT_FIND_ACCOUNT')
    await using homeless = await start('throwsNull', { COZY_FIELDS: '{"account":"acc001","folder_to_save":"gone"}' })
    assert.equal((await homeless.ended).critical, 'NOT_EXISTING_DIRECTORY')
  })
})

test('the signal comes before the server kills, five seconds under COZY_TIME_LIMIT', () => {
  assert.deepEqual([305, 65, 15, 8].map(abortAfter), [290, 53.5, 8.5, 2])
  for (let limit = 7; limit < 4000; limit++) assert.ok(abortAfter(limit) <= limit - 6 && abortAfter(limit) > 0)
})
