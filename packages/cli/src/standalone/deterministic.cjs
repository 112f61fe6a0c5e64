'use strict'
/**
 * Loaded before a replayed konnector: its clock starts at the recording's time and its random numbers are the same in
 * each run, so that equal recordings give equal documents.
 *
 * Time stands still while code computes and talks (how long an answer takes differs between runs, and so would dates);
 * a timer that fires moves it forward by its delay. Delays below 10 ms and unref'd timers (house-keeping of clients)
 * do not count. A loop that only waits for the clock still ends: past 100,000 readings without a timer each
 * reading adds a millisecond.
 *
 * KONNECTORY_CLOCK = milliseconds since 1970.
 */
const crypto = require('node:crypto')
const timersPromises = require('node:timers/promises')
const util = require('node:util')

const SHORTEST_DELAY = 10
const READINGS_BEFORE_CREEP = 100_000

if (process.env.KONNECTORY_CLOCK) {
  installClock(Number(process.env.KONNECTORY_CLOCK))
  installRandom(0x6b6f6e6e)
}

function installClock(start) {
  const RealDate = Date
  let now = start
  let readings = 0
  const read = () => {
    if (++readings > READINGS_BEFORE_CREEP) now++
    return now
  }
  const FixedDate = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length ? args : [read()], newTarget),
    apply: () => new RealDate(read()).toString(),
    get: (target, key) => (key === 'now' ? read : Reflect.get(target, key)),
  })
  RealDate.prototype.constructor = FixedDate
  globalThis.Date = FixedDate

  const arrive = due => {
    if (due > now) now = due
    readings = 0
  }
  const counted = delay => (Number(delay) >= SHORTEST_DELAY ? Number(delay) : 0)

  const { setTimeout: realTimeout, setInterval: realInterval } = globalThis
  globalThis.setTimeout = function setTimeout(callback, delay, ...args) {
    if (typeof callback !== 'function') return realTimeout(callback, delay, ...args)
    const due = now + counted(delay)
    const timer = realTimeout(() => {
      if (timer.hasRef()) arrive(due)
      callback(...args)
    }, delay)
    return timer
  }
  globalThis.setInterval = function setInterval(callback, delay, ...args) {
    if (typeof callback !== 'function') return realInterval(callback, delay, ...args)
    let due = now
    const timer = realInterval(() => {
      due += counted(delay)
      if (timer.hasRef()) arrive(due)
      callback(...args)
    }, delay)
    return timer
  }
  const { setTimeout: realWait } = timersPromises
  const wait = async (delay, value, options) => {
    const due = now + counted(delay)
    const result = await realWait(delay, value, options)
    if (options?.ref !== false) arrive(due)
    return result
  }
  timersPromises.setTimeout = wait
  Object.defineProperty(globalThis.setTimeout, util.promisify.custom, { value: wait })
}

/** Mulberry32: small, good enough for ids and boundaries. Nothing here reaches a real server: replay is offline. */
function installRandom(seed) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const bytes = size => Buffer.from(Array.from({ length: size }, () => Math.floor(next() * 256)))
  const fill = (target, offset = 0, size = undefined) => {
    const view = ArrayBuffer.isView(target)
      ? Buffer.from(target.buffer, target.byteOffset, target.byteLength)
      : Buffer.from(target)
    bytes(size ?? view.length - offset).copy(view, offset)
    return target
  }
  const uuid = () => {
    const b = bytes(16)
    b[6] = (b[6] & 0x0f) | 0x40
    b[8] = (b[8] & 0x3f) | 0x80
    return b.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  Math.random = next
  crypto.randomUUID = uuid
  crypto.randomBytes = (size, callback) => {
    const result = bytes(size)
    if (!callback) return result
    setImmediate(callback, null, result)
    return undefined
  }
  crypto.pseudoRandomBytes = crypto.randomBytes
  crypto.randomFillSync = fill
  crypto.randomFill = (target, ...rest) => {
    const callback = rest.pop()
    fill(target, ...rest)
    setImmediate(callback, null, target)
  }
  crypto.randomInt = (...args) => {
    const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined
    const [min, max] = args.length === 1 ? [0, args[0]] : args
    const result = min + Math.floor(next() * (max - min))
    if (!callback) return result
    setImmediate(callback, null, result)
    return undefined
  }
  const webcrypto = globalThis.crypto
  if (webcrypto) {
    Object.defineProperty(webcrypto, 'randomUUID', { value: uuid, configurable: true })
    Object.defineProperty(webcrypto, 'getRandomValues', { value: target => fill(target), configurable: true })
  }
}
