import assert from 'node:assert/strict'
import { test } from 'node:test'
import Bluebird from 'bluebird'
import retry from '../../src/retry.ts'

// biome-ignore lint/suspicious/noExplicitAny: errors with their own members
type Any = any

/** Fails until it has been called `successful` times. */
function flaky(successful: number, error: unknown = new Error('not yet')) {
  const fn = (..._args: unknown[]) => {
    fn.calls++
    if (fn.calls < successful) throw error
    return 'done'
  }
  fn.calls = 0
  return fn
}

const failure = async (promise: PromiseLike<unknown>): Promise<Any> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not reject')
}

test('gives a Bluebird promise of the result', async () => {
  const promise = retry(flaky(1))
  assert.ok(promise instanceof Bluebird)
  assert.equal(await promise, 'done')
  const fn = flaky(3)
  assert.equal(await retry(async () => fn(), { interval: 1 }), 'done')
  assert.equal(fn.calls, 3)
})

test('five tries by default, max_tries otherwise', async () => {
  for (const [options, tries] of [
    [{ interval: 1 }, 5],
    [{ interval: 1, max_tries: 2 }, 2],
    [{ max_tries: 1 }, 1],
  ] as const) {
    const fn = flaky(99)
    const error = await failure(retry(fn, options))
    assert.equal(fn.calls, tries)
    assert.match(error.message, new RegExp(`^operation timed out after \\d+ ms, ${tries} tries with error: not yet$`))
    assert.equal(error.failure.message, 'not yet')
    assert.equal(error.code, 'ETIMEDOUT')
  }
})

test('throw_original', async () => {
  const mine = new Error('mine')
  assert.equal(await failure(retry(flaky(9, mine), { interval: 1, max_tries: 2, throw_original: true })), mine)
})

test('rejections that are no errors', async () => {
  for (const [value, text] of [
    ['text', 'text'],
    [{ a: 1 }, '{"a":1}'],
    [null, 'null'],
    [undefined, 'undefined'],
  ] as const) {
    const error = await failure(retry(() => Promise.reject(value), { interval: 1, max_tries: 2, throw_original: true }))
    assert.ok(error.message.endsWith(`rejected with non-error: ${text}`), error.message)
    assert.equal(error.failure.failure, value && typeof value === 'object' ? JSON.stringify(value) : value)
  }
})

test('StopError stops at once, with its reason', async () => {
  class Mine extends Error {}
  const mine = new Mine('mine')
  for (const [reason, message] of [
    [undefined, 'cancelled'],
    ['enough', 'enough'],
    [mine, 'mine'],
  ] as const) {
    const fn = flaky(9, new retry.StopError(reason))
    const error = await failure(retry(fn, { interval: 1 }))
    assert.equal(fn.calls, 1)
    assert.equal(error.message, message)
    assert.equal(error instanceof Mine, reason === mine)
    assert.ok(error instanceof Error)
  }
})

test('timeout bounds the tries', async () => {
  const fn = flaky(999)
  const start = Date.now()
  const error = await failure(retry(fn, { interval: 10, timeout: 55 }))
  assert.ok(fn.calls > 1 && fn.calls <= 6, String(fn.calls))
  assert.ok(Date.now() - start < 500)
  assert.match(error.message, /operation timed out/)
})

test('interval counts from the start of a try; backoff multiplies it, max_interval bounds it', async () => {
  const starts: number[] = []
  const fn = () => {
    starts.push(Date.now())
    throw new Error('x')
  }
  await failure(retry(fn, { interval: 20, backoff: 10, max_interval: 40, max_tries: 4 }))
  const waits = starts.slice(1).map((start, index) => start - (starts[index] as number))
  // Timers may be early by a millisecond; they are late on a busy machine, hence no upper bound but the unbounded value.
  const [first = 0, second = 0, third = 0] = waits
  assert.ok(first >= 19 && second >= 39 && third >= 39, waits.join(' '))
  assert.ok(third < 2000, waits.join(' '))
})

test('predicate: an error class or a function', async () => {
  const isRange = (error: unknown) => error instanceof RangeError
  for (const predicate of [RangeError, isRange]) {
    const retried = flaky(3, new RangeError('r'))
    assert.equal(await retry(retried, { interval: 1, predicate }), 'done')
    const other = flaky(3, new TypeError('t'))
    assert.equal((await failure(retry(other, { interval: 1, predicate }))).message, 't')
    assert.equal(other.calls, 1)
  }
})

test('context and args', async () => {
  const context = { name: 'me' }
  const fn = function (this: unknown, ...args: unknown[]) {
    return [this, ...args]
  }
  assert.deepEqual(await retry(fn, { context, args: [1, 2] }), [context, 1, 2])
})
