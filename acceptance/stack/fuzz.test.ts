/**
 * Requests no client of good will sends, to every route of the real server: it answers each within five seconds and never with
 * a 500, tells nothing of its inside, and nobody's documents change by them.
 *
 * A run is repeated with its seed, one case of it with its number:
 *     KONNECTORY_FUZZ_SEED=7 KONNECTORY_FUZZ_CASE=1234 node --test acceptance/stack/fuzz.test.ts
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Draft, render, reproduction, setHeader } from './fuzz/draft.ts'
import { giants } from './fuzz/giants.ts'
import { chooseMutations } from './fuzz/mutations.ts'
import { createRandom, type Random, seedOf } from './fuzz/random.ts'
import { rawCase, websocketCase } from './fuzz/raw.ts'
import { ADMIN, generic, MORE, TEMPLATES, type Template } from './fuzz/templates.ts'
import { type Expected, PATIENCE, wrongWith } from './fuzz/verdict.ts'
import { makeWorld, TARGET, type World } from './fuzz/world.ts'
import { makePlace, memoryOf, startStack } from './help/process.ts'
import { type Outcome, type SendOptions, send } from './help/wire.ts'

const long = process.env.KONNECTORY_LONG === '1'
/** Without a choice always the same in the short round, and another each time in the long one. */
const seed = Number(process.env.KONNECTORY_FUZZ_SEED ?? (long ? Date.now() % 2 ** 31 : 20_261_120))
const only = process.env.KONNECTORY_FUZZ_CASE
const CASES = long ? 50_000 : 2_500
const SIDE_BY_SIDE = 8
/** After so many it is looked whether all is as it was. */
const ROUND = 250
/** MiB the server may come to hold: bodies of 16 MiB are allowed, and eight of us ask at a time. */
const MOST_MEMORY = 700
/** Milliseconds for 16 MiB of JSON. */
const GIANT_PATIENCE = 15_000
const MANGO = [
  'POST /data/{doctype}/_find',
  'POST /files/_find',
  'POST /data/{doctype}/_index',
  'POST /data/{doctype}/_changes',
]

interface Sent extends Expected {
  what: string
  options: SendOptions
  /** The same with only one of its mutations each, when there are several. */
  simpler: (() => Promise<SendOptions>)[]
}

test('fuzz', { timeout: long ? 3_600_000 : 240_000 }, async t => {
  t.diagnostic(`KONNECTORY_FUZZ_SEED=${seed}`)
  await using place = await makePlace('fuzz')
  await using stack = await startStack(place)
  const world = await makeWorld(stack)
  const routes = await routesOf(stack.port)
  const before = memoryOf(stack.pid).resident
  const failures: string[] = []
  const statuses = new Map<string, number>()
  const seen = new Map<string, number>()
  let slowest = { ms: 0, what: '' }

  const withLog = (error: Error): never => {
    throw new Error(`${error.message}\nthe server's log:\n${stack.complaints().slice(-20).join('\n')}`, {
      cause: error,
    })
  }

  const one = async (number: number) => {
    const sent = await build(number, routes, world)
    const outcome = await send(sent.options)
    const status = outcome.kind === 'answered' ? String(outcome.answer.status) : outcome.kind
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    seen.set(sent.what, (seen.get(sent.what) ?? 0) + 1)
    if (sent.complete && outcome.ms > slowest.ms) slowest = { ms: outcome.ms, what: `${sent.what} (case ${number})` }
    const wrong = wrongWith(outcome, sent)
    if (wrong) failures.push(`case ${number}, ${sent.what}: ${wrong}\n  ${await simplest(sent, outcome)}`)
  }

  if (only !== undefined) await one(Number(only))
  else {
    for (let first = 0; first < CASES && stack.isRunning(); first += ROUND) {
      const numbers = Array.from({ length: Math.min(ROUND, CASES - first) }, (_, n) => first + n).values()
      await Promise.all(
        Array.from({ length: SIDE_BY_SIDE }, async () => {
          for (const number of numbers) await one(number)
        }),
      )
      assert.ok(stack.isRunning(), `the server ended:\n${stack.log().slice(-5000)}\n${failures.join('\n')}`)
      await world.repair().catch(withLog)
      await world.assertIntact().catch(withLog)
    }
  }

  const memory = memoryOf(stack.pid)
  if (only === undefined) {
    // One after the other: together they would measure how much we can send.
    for (const { what, draft } of giants(world)) {
      const bytes = render(withHeaders(draft, world))
      const outcome = await send({ port: stack.port, bytes, patience: GIANT_PATIENCE })
      const wrong = wrongWith(outcome, { complete: true, mayClose: true, patience: GIANT_PATIENCE })
      if (wrong) failures.push(`giant, ${what}: ${wrong}`)
      if (outcome.ms > slowest.ms) slowest = { ms: outcome.ms, what: `giant ${what}` }
    }
    await world.assertIntact().catch(withLog)
  }
  t.diagnostic(
    `answers: ${[...statuses]
      .sort()
      .map(([status, times]) => `${status} ${times}`)
      .join(', ')}; slowest ${Math.round(slowest.ms)} ms: ${slowest.what}`,
  )
  t.diagnostic(
    `memory before ${Math.round(before)} MiB, after ${Math.round(memory.resident)}, at most ${Math.round(memory.peak)}`,
  )
  const complaints = stack.complaints()
  assert.equal(
    failures.length + complaints.length,
    0,
    `seed ${seed}: ${failures.length} failures\n${failures.join('\n')}\nthe server's log:\n${[...new Set(complaints)].slice(0, 40).join('\n')}`,
  )
  assert.ok(memory.peak < MOST_MEMORY, `${memory.peak} MiB`)
  if (only !== undefined) return
  const succeeded = [...statuses].reduce((sum, [status, times]) => (status.startsWith('2') ? sum + times : sum), 0)
  assert.deepEqual(
    routes.filter(([name]) => !seen.has(name)).map(([name]) => name),
    [],
    'each route got its share',
  )
  assert.ok(succeeded > CASES / 8, 'enough get through the door to reach what is behind it')
})

/** Every route of the server's own document, with a request for it. */
async function routesOf(port: number): Promise<[name: string, template: Template][]> {
  const document = (await (await fetch(`http://127.0.0.1:${port}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, object>>
  }
  const found = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method): [string, Template] => {
      const name = `${method.toUpperCase()} ${path}`
      return [name, TEMPLATES[name] ?? generic(method.toUpperCase(), path)]
    }),
  )
  const names = new Set(found.map(([name]) => name))
  assert.deepEqual(
    Object.keys(TEMPLATES).filter(name => !names.has(name)),
    [],
    'templates for routes that are gone',
  )
  return found
}

async function build(number: number, routes: [string, Template][], world: World): Promise<Sent> {
  const random = createRandom(seedOf(seed, number))
  const kind = number % 100
  if (kind < 8 || (kind >= 8 && kind < 14)) {
    const { bytes, complete } = kind < 8 ? rawCase(world, random) : websocketCase(world, random)
    const isSocket = kind >= 8
    // Of a half request nothing is due; we hang up.
    const options = {
      port: world.port,
      bytes,
      patience: complete ? PATIENCE : isSocket ? 250 : 150,
      untilClosed: isSocket,
    }
    return { what: isSocket ? 'websocket' : 'raw bytes', options, complete, mayClose: true, simpler: [] }
  }
  const [name, template] = choose(kind, number, routes, random)
  const started = random.seed()
  const start = () => startOf(template, world, createRandom(started))
  const whole = await start()
  const mutations = chooseMutations(whole, random)
  const finish = (of: Draft, done: typeof mutations): SendOptions => {
    for (const { mutate, seed: own } of done) mutate(of, createRandom(own), world)
    return {
      port: of.listener === 'admin' ? world.adminPort : world.port,
      bytes: render(of),
      patience: PATIENCE,
      halfClose: of.saysLength !== undefined,
      isHead: of.method === 'HEAD',
    }
  }
  const options = finish(whole, mutations)
  const simpler =
    mutations.length > 1
      ? [[], ...mutations.map(one => [one])].map(some => async () => finish(await start(), some))
      : []
  return { what: name, options, complete: true, mayClose: whole.saysLength !== undefined, simpler }
}

function choose(kind: number, number: number, routes: [string, Template][], random: Random): [string, Template] {
  if (kind < 22) return ['administration', random.pick(ADMIN)]
  if (kind < 30) return ['more documents', random.pick(MORE)]
  if (kind < 45) return random.pick(routes.filter(([name]) => MANGO.includes(name)))
  return routes[(number - Math.ceil((number * 45) / 100)) % routes.length]!
}

/** With the headers every request of ours has, unless it says otherwise. */
function withHeaders(made: Draft, world: World): Draft {
  const has = (name: string) => made.headers.some(([other]) => other === name)
  if (!has('host')) made.headers.unshift(['host', TARGET])
  if (!has('authorization')) setHeader(made, 'authorization', `Bearer ${world.tokens.wide}`)
  if (!has('accept')) setHeader(made, 'accept', 'application/json')
  return made
}

async function startOf(template: Template, world: World, random: Random): Promise<Draft> {
  const made = await Promise.resolve(template(world, random)).catch(async () => {
    // A case before has thrown away what this one stands on.
    await world.repair()
    return template(world, random)
  })
  return withHeaders(made, world)
}

/** One line to send it again, with a single mutation when that is enough to go wrong. */
async function simplest(sent: Sent, outcome: Outcome): Promise<string> {
  const line = ({ port, bytes }: SendOptions) => reproduction(port, Array.isArray(bytes) ? Buffer.concat(bytes) : bytes)
  if (outcome.kind !== 'refused') {
    for (const build of sent.simpler) {
      const options = await build()
      if (wrongWith(await send(options), sent)) return `simpler: ${line(options)}`
    }
  }
  return line(sent.options)
}
