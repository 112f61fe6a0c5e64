import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCrontab } from '../../src/rooms/triggers/schedule/crontab.ts'
import { parseGoDuration } from '../../src/rooms/triggers/schedule/duration.ts'
import { drawnSlots, type Frequency, parseWindow } from '../../src/rooms/triggers/schedule/periodic.ts'
import { firstRun, nextRun, type Schedule, scheduleOf } from '../../src/rooms/triggers/schedule/schedule.ts'
import { changeBetween, instantsOf, offsetAt, wallAt } from '../../src/rooms/triggers/schedule/zone.ts'
import type { TriggerType } from '../../src/rooms/triggers/trigger.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Hours, half an hour, midnight, twice a year and four times, none. */
const ZONES = [
  'UTC',
  'Europe/Paris',
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Kolkata',
]
const START = Date.parse('2026-01-01T00:00:00Z')
const DAYS = 400

const of = (type: TriggerType, text: string, seed = 'seed'): Schedule => {
  const schedule = scheduleOf({ type, arguments: text }, seed)
  assert.ok(schedule, `${type} ${text} can be read`)
  return schedule
}

/** All runs from a moment on, as a scheduler that is always there asks for them. */
function runsOf(schedule: Schedule, zone: string, from: number, until: number): number[] {
  const runs: number[] = []
  let at = firstRun(schedule, zone, from)
  while (at !== undefined && at < until) {
    runs.push(at)
    at = nextRun(schedule, zone, at, at)
  }
  return runs
}

const dateOf = (wall: number) => new Date(wall).toISOString().slice(0, 10)

for (const zone of ZONES) {
  test(`400 days in ${zone}: once a day is once each day, whatever the clocks do`, () => {
    const dates = Array.from({ length: DAYS - 2 }, (_, index) => dateOf(wallAt(zone, START) + (index + 1) * DAY))
    const daily = [
      ...[0, 1, 2, 3, 4, 12, 23].map(hour => of('@cron', `0 ${(hour * 7) % 60} ${hour} * * *`)),
      of('@cron', '30 2 * * *'),
      of('@cron', '@daily'),
      ...['a', 'b', 'c', 'd'].map(seed => of('@daily', 'between 1am and 4am', seed)),
    ]
    for (const schedule of daily) {
      const runs = runsOf(schedule, zone, START, START + DAYS * DAY)
      const found = runs.map(run => dateOf(wallAt(zone, run))).filter(date => dates.includes(date))
      assert.deepEqual(found, dates)
    }
  })

  test(`400 days in ${zone}: once an hour is each real hour`, () => {
    const shortest = zone === 'Australia/Lord_Howe' ? HOUR / 2 : HOUR
    for (const schedule of [of('@cron', '0 17 * * * *'), of('@hourly', '', 'x'), of('@cron', '@hourly')]) {
      const runs = runsOf(schedule, zone, START, START + DAYS * DAY)
      for (const [index, run] of runs.slice(1).entries()) {
        const gap = run - runs[index]!
        assert.ok(gap >= shortest && gap <= HOUR + (HOUR - shortest), `${new Date(run).toISOString()}: ${gap}`)
      }
      assert.ok(Math.abs(runs.length - DAYS * 24) <= (zone === 'Australia/Lord_Howe' ? 3 : 1))
    }
  })

  test(`400 days in ${zone}: once a week and once a month`, () => {
    for (const day of [1, 15, 28, 29, 30, 31]) {
      const runs = runsOf(of('@monthly', `on the ${day} between 2am and 3am`), zone, START, START + DAYS * DAY)
      const months = runs.map(run => dateOf(wallAt(zone, run)))
      assert.equal(new Set(months.map(date => date.slice(0, 7))).size, months.length)
      assert.ok(months.length >= 13)
      for (const date of months) {
        const [year, month, dom] = date.split('-').map(Number) as [number, number, number]
        assert.equal(dom, Math.min(day, new Date(Date.UTC(year, month, 0)).getUTCDate()), date)
      }
    }
    const weekly = runsOf(of('@weekly', 'on sun between 2am and 3am'), zone, START, START + DAYS * DAY)
    assert.ok(weekly.length >= 56)
    for (const run of weekly) assert.equal(new Date(wallAt(zone, run)).getUTCDay(), 0)
    for (const [index, run] of weekly.slice(1).entries())
      assert.ok(Math.abs(run - weekly[index]! - 7 * DAY) <= 2 * HOUR)
  })
}

test('crontabs: the same as trying every minute, in the weeks in which clocks change', () => {
  const random = seeded(42)
  let compared = 0
  for (const zone of ZONES) {
    for (const from of weeksOfChange(zone)) {
      for (let round = 0; round < 8; round++) {
        const text = randomCrontab(random)
        const schedule = of('@cron', text)
        const until = from + 7 * DAY
        const expected = byBruteForce(text, zone, from, until)
        const found = runsOf(schedule, zone, from, until)
        assert.deepEqual(found.map(iso), expected.map(iso), `${text} in ${zone} from ${iso(from)}`)
        compared += found.length
      }
    }
  }
  assert.ok(compared > 500, String(compared))
})

const iso = (ms: number) => new Date(ms).toISOString()

/** A few days before each change of the clocks, and one ordinary week. */
function weeksOfChange(zone: string): number[] {
  const found = [START + 20 * DAY]
  for (let at = START; at < START + DAYS * DAY; at += DAY)
    if (offsetAt(zone, at) !== offsetAt(zone, at + DAY)) found.push(changeBetween(zone, at, at + DAY) - 3 * DAY)
  return found
}

/** What the reference of the room says, minute by minute: another way to the same slots. */
function byBruteForce(text: string, zone: string, from: number, until: number): number[] {
  const [minute, hour, dom, month, dow] = text.split(' ') as [string, string, string, string, string]
  const everyHour = hour === '*'
  const fits = (field: string, value: number) =>
    field === '*' ||
    field.split(',').some(item => {
      const [range = '', step = '1'] = item.split('/')
      const [low, high] = range === '*' ? [0, 99] : range.split('-').map(Number)
      const top = high ?? (item.includes('/') ? 99 : low!)
      const start = range === '*' ? (field === dom || field === month ? 1 : 0) : low!
      return value >= start && value <= top && (value - start) % Number(step) === 0
    })
  const found = new Set<number>()
  for (let wall = Math.floor((from - 2 * DAY) / 60_000) * 60_000; wall < until + 2 * DAY; wall += 60_000) {
    const date = new Date(wall)
    const [inDom, inDow] = [fits(dom, date.getUTCDate()), fits(dow, date.getUTCDay())]
    const inDay = dom !== '*' && dow !== '*' ? inDom || inDow : inDom && inDow
    if (!inDay || !fits(month, date.getUTCMonth() + 1)) continue
    if (!fits(hour, date.getUTCHours()) || !fits(minute, date.getUTCMinutes())) continue
    const instants = instantsOf(zone, wall)
    if (everyHour) for (const instant of instants) found.add(instant)
    else if (instants.length > 0) found.add(instants[0]!)
    else found.add(changeBetween(zone, wall - 1.5 * DAY, wall + 1.5 * DAY))
  }
  return [...found].filter(instant => instant > from && instant < until).sort((one, other) => one - other)
}

function randomCrontab(random: (choices: number) => number): string {
  const pick = <T>(...items: T[]): T => items[random(items.length)]!
  const minute = pick('0', '30', '*/15', String(random(60)), '5-50/20')
  const hour = pick('*', '0', '1', '2', '3', '0,2,23', '1-4', '*/6', String(random(24)))
  const [dom, dow] = pick(['*', '*'], ['*', '0'], ['*', '1-5'], [`${1 + random(31)}`, '*'], [`${1 + random(31)}`, '6'])
  return `${minute} ${hour} ${dom} * ${dow}`
}

function seeded(seed: number): (choices: number) => number {
  let state = seed
  return choices => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * choices)
  }
}

test('runs missed are one, and the next is in step', () => {
  const every = of('@every', '10m')
  const first = firstRun(every, 'UTC', START)!
  assert.equal(first, START + 600_000)
  assert.equal(nextRun(every, 'UTC', first, first + 5), first + 600_000)
  assert.equal(nextRun(every, 'UTC', first, first + 5 * 600_000 + 7), first + 6 * 600_000)
  assert.equal(nextRun(every, 'UTC', first, first + 600_000), first + 2 * 600_000, 'a slot that is now is this one')
  const daily = of('@cron', '0 3 * * *')
  const slot = firstRun(daily, 'UTC', START)!
  assert.equal(iso(nextRun(daily, 'UTC', slot, slot + 10 * DAY + 1)!), '2026-01-12T03:00:00.000Z')
})

test('once: in the past by at most a day it is done at once; later it is dropped', () => {
  assert.equal(firstRun(of('@at', '2025-12-31T00:00:00Z'), 'UTC', START), START - DAY)
  assert.equal(firstRun(of('@at', '2025-12-30T23:59:59Z'), 'UTC', START), undefined)
  assert.equal(firstRun(of('@at', '2026-01-01T02:00:00.5+02:00'), 'UTC', START), START + 500)
  assert.equal(firstRun(of('@in', '1h30m'), 'UTC', START), START + 1.5 * HOUR)
  assert.equal(nextRun(of('@in', '1h30m'), 'UTC', START, START), undefined)
})

test('durations', () => {
  const good: [string, number][] = [
    ['1h30m', 5_400_000],
    ['45s', 45_000],
    ['1.5h', 5_400_000],
    ['100ms', 100],
    ['0', 0],
    ['2us', 0.002],
    ['.5s', 500],
  ]
  for (const [text, ms] of good) assert.equal(parseGoDuration(text), ms, text)
  for (const text of ['', '1', '-1s', '1d', '1h 30m', 'h', '1h30', '9999999999h'])
    assert.equal(parseGoDuration(text), undefined, text)
})

test('crontabs that cannot be read', () => {
  const bad = [
    '',
    '* * * *',
    '* * * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 13 *',
    '* * * * 7',
    '*/0 * * * *',
    '5-1 * * * *',
    '1-2-3 * * * *',
    '? * * * *',
    'a * * * *',
    '* * * foo *',
    '* * L * *',
    '* * * * 1#2',
    'H * * * *',
    '0 0 30 2 *',
    '@sometimes',
    '@every',
    '@every 0s',
    '@every 500ms',
    'TZ=Nowhere/At 0 0 * * *',
    'TZ=UTC',
    '1,,2 * * * *',
    '-1 * * * *',
  ]
  for (const text of bad) assert.equal(parseCrontab(text), undefined, text)
})

test('crontabs in all their forms', () => {
  const next = (text: string, from = '2026-01-01T00:00:00Z', zone = 'UTC') =>
    iso(firstRun(of('@cron', text), zone, Date.parse(from))!)
  assert.equal(next('0 42 3 * * 4'), '2026-01-01T03:42:00.000Z')
  assert.equal(next('42 3 * * THU'), '2026-01-01T03:42:00.000Z')
  assert.equal(next('15 30 4 ? feb ?'), '2026-02-01T04:30:15.000Z')
  assert.equal(next('0 0 29 2 *'), '2028-02-29T00:00:00.000Z')
  assert.equal(next('0 0 31 * *', '2026-02-01T00:00:00Z'), '2026-03-31T00:00:00.000Z')
  assert.equal(next('0 12 13 * 5'), '2026-01-02T12:00:00.000Z', 'either day is enough')
  assert.equal(next('50/5 * * * *'), '2026-01-01T00:50:00.000Z')
  assert.equal(next('TZ=Europe/Paris 0 3 * * *'), '2026-01-01T02:00:00.000Z')
  assert.equal(next('CRON_TZ=America/New_York 0 3 * * *'), '2026-01-01T08:00:00.000Z')
  assert.equal(next('0 3 * * *', '2026-01-01T00:00:00Z', 'Europe/Paris'), '2026-01-01T02:00:00.000Z')
  assert.equal(next('@every 90s'), '2026-01-01T00:01:30.000Z')
  assert.equal(next('@weekly'), '2026-01-04T00:00:00.000Z')
  assert.equal(next('@monthly'), '2026-02-01T00:00:00.000Z')
  assert.equal(next('@yearly', '2026-01-01T00:00:01Z'), '2027-01-01T00:00:00.000Z')
  assert.equal(next('@midnight'), '2026-01-02T00:00:00.000Z')
  assert.equal(next('* * * * * *'), '2026-01-01T00:00:01.000Z')
})

test('windows: what can be read, and what it means', () => {
  const good: [Frequency, string, { hours: [number, number]; days?: number[] }][] = [
    ['daily', '', { hours: [0, 24] }],
    ['daily', 'after 12am before 12am', { hours: [0, 24] }],
    ['daily', 'between 12pm and 1pm', { hours: [12, 13] }],
    ['weekly', 'on mon,wed between 9am and 6pm', { hours: [9, 18], days: [1, 3] }],
    ['weekly', 'on weekend between 2am and 6am', { hours: [2, 6], days: [0, 6] }],
    ['weekly', 'on weekday', { hours: [0, 24], days: [1, 2, 3, 4, 5] }],
    ['weekly', 'before 5am on saturday-monday', { hours: [0, 5], days: [0, 1, 6] }],
    ['monthly', 'on the 1-3, 31', { hours: [0, 24], days: [1, 2, 3, 31] }],
    ['hourly', 'between 9am and 6pm', { hours: [9, 18] }],
  ]
  for (const [frequency, text, { hours, days }] of good) {
    const window = parseWindow(frequency, text)
    assert.ok(window, text)
    assert.deepEqual([window.hours.start, window.hours.end], hours, text)
    if (days) assert.deepEqual(window.days, days, text)
  }
  const bad: [Frequency, string][] = [
    ['daily', 'on mon'],
    ['monthly', 'on 3'],
    ['monthly', 'on the 0'],
    ['monthly', 'on the 32'],
    ['monthly', 'on the 5-2'],
    ['weekly', 'on Mon'],
    ['weekly', 'on the 3'],
    ['weekly', 'on'],
    ['daily', 'between 6pm and 9am'],
    ['daily', 'after 5am before 5am'],
    ['daily', 'after 13am'],
    ['daily', 'after 0am'],
    ['daily', 'after'],
    ['daily', 'sometimes'],
    ['daily', 'after 1am after 2am'],
    ['weekly', 'on mon on tue'],
  ]
  for (const [frequency, text] of bad) assert.equal(parseWindow(frequency, text), undefined, text)
})

test('the moment drawn is always the same, in the window, and spread evenly over it', () => {
  const window = parseWindow('weekly', 'on mon,tue,wed,thu between 2am and 6am')!
  const seen = new Map<string, number>()
  for (let index = 0; index < 4000; index++) {
    const slot = drawnSlots('weekly', window, `t${index}`).next(START)!
    assert.equal(drawnSlots('weekly', window, `t${index}`).next(START), slot)
    const date = new Date(slot)
    const key = `${date.getUTCDay()} ${date.getUTCHours()}`
    seen.set(key, (seen.get(key) ?? 0) + 1)
  }
  assert.equal(seen.size, 16)
  for (const [key, count] of seen) assert.ok(count > 180 && count < 330, `${key}: ${count} of 4000 in 16`)
})
