/**
 * The whole server is killed with SIGKILL at random moments under write load: what it had acknowledged is there afterwards, what
 * was under way is there wholly or not at all, and it is back soon. Every third time its database is killed too.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom, seedOf } from './fuzz/random.ts'
import { makePlace, onExternalDatabase, type Place, processesWith, type Stack, startStack } from './help/process.ts'
import { BrokenOff, type Client, createClient } from './kill/client.ts'
import { createDocumentWriter } from './kill/document-writer.ts'
import { createFileWriter } from './kill/file-writer.ts'
import { createSettingsWriter } from './kill/settings-writer.ts'
import type { Writer } from './kill/writer.ts'

const long = process.env.KONNECTORY_LONG === '1'
const ROUNDS = long ? 30 : 4
const DOMAIN = 'localhost'
const seed = Number(process.env.KONNECTORY_FUZZ_SEED ?? Date.now() % 2 ** 31)
/**
 * Milliseconds from the start of the process to its first answer, without those in which other processes had the processor.
 * The fastest counts: its database waits for the others too, and tells nobody how long.
 */
const RESTART_MS = 1500
/** Until nothing is left of a server that was killed. */
const GONE_MS = 5000
const SCOPE = [
  ...Array.from({ length: 10 }, (_, n) => `io.cozy.kill.d${n}`),
  'io.cozy.files',
  'io.cozy.settings',
  'io.cozy.doctypes',
].join(' ')

test('kill -9 under write load', { timeout: long ? 1_800_000 : 180_000 }, async t => {
  t.diagnostic(`seed ${seed}`)
  await using place = await makePlace('kill')
  let stack = await startStack(place)
  // The server of the moment, whichever that is.
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => stack[Symbol.asyncDispose]())
  const made = await stack.admin('POST', '/instances', { domain: DOMAIN, locale: 'en' })
  assert.equal(made.status, 201, await made.text())
  const token = await stack.token(DOMAIN, SCOPE)
  const publicName = async () => {
    const answer = (await (await stack.admin('GET', `/instances/${DOMAIN}`)).json()) as {
      data: { attributes: { public_name: string } }
    }
    return answer.data.attributes.public_name
  }
  const writers = [
    ...Array.from({ length: 10 }, (_, n) => createDocumentWriter(`d${n}`)),
    createSettingsWriter('s', publicName),
    ...Array.from({ length: 5 }, (_, n) => createFileWriter(`f${n}`)),
  ]
  const restarts: { ms: number; queued: number }[] = []
  const open = { done: 0, 'not done': 0, none: 0 }
  let total = 0
  for (let round = 0; round < ROUNDS; round++) {
    total += await writeUntilKilled(stack, writers, { token, place, round })
    // In even rounds at once, while the old server's database may still be ending.
    if (round % 2 === 1) await gone(place)
    stack = await startStack(place)
    restarts.push({ ms: Math.round(stack.startMs), queued: Math.round(stack.queuedMs) })
    using client = createClient(stack.port, DOMAIN, token)
    for (const outcome of await Promise.all(writers.map(writer => writer.verify(client)))) open[outcome]++
    await assertWhole(client)
    assert.deepEqual(stack.complaints(), [])
  }
  await stack[Symbol.asyncDispose]()
  await gone(place)
  t.diagnostic(
    `${ROUNDS} kills, ${total} acknowledged writes; of those under way ${open.done} were done and ${open['not done']} not`,
  )
  t.diagnostic(`restarts in ms (of which queued): ${restarts.map(({ ms, queued }) => `${ms} (${queued})`).join(', ')}`)
  const fastest = Math.min(...restarts.map(({ ms, queued }) => ms - queued))
  assert.ok(fastest <= RESTART_MS, `${fastest} ms at best`)
})

/** @returns writes acknowledged in this round */
async function writeUntilKilled(
  stack: Stack,
  writers: Writer[],
  { token, place, round }: { token: string; place: Place; round: number },
): Promise<number> {
  const random = createRandom(seedOf(seed, round))
  const least = 200 + random.int(400)
  const reached = Promise.withResolvers<void>()
  let acknowledged = 0
  let killed = false
  using client = createClient(stack.port, DOMAIN, token)
  const working = writers.map(async writer => {
    const own = createRandom(random.seed())
    try {
      for (;;) {
        await writer.step(client, own)
        if (++acknowledged === least) reached.resolve()
      }
    } catch (error) {
      if (!(error instanceof BrokenOff) || !killed) {
        reached.reject(error)
        throw error
      }
    }
  })
  const finished = Promise.all(working)
  await Promise.race([reached.promise, finished])
  await delay(random.int(250))
  const postmaster = round % 3 === 2 && !onExternalDatabase ? postmasterOf(place) : 0
  killed = true
  await stack.kill()
  if (postmaster) process.kill(postmaster, 'SIGKILL')
  await finished
  return acknowledged
}

function postmasterOf({ data }: Place): number {
  const file = join(data, 'postgresql/postmaster.pid')
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : 0
}

/** Nothing of the server is left, its database neither. */
async function gone({ data }: Place): Promise<void> {
  const until = performance.now() + GONE_MS
  for (;;) {
    const left = processesWith(data)
    if (left.length === 0) return
    assert.ok(performance.now() < until, `still there: ${JSON.stringify(left)}`)
    await delay(20)
  }
}

/** What holds for all files together: contents fit, and the usage is that of the files there are. */
async function assertWhole(client: Client): Promise<void> {
  const { json: problems } = await client.ask({ path: '/files/fsck' })
  assert.deepEqual(problems, [])
  const { json: listed } = await client.ask({ path: '/data/io.cozy.files/_all_docs?include_docs=true' })
  const sizes = listed.rows.map(({ doc }: { doc: { type: string; size?: string } }) =>
    doc.type === 'file' ? Number(doc.size) : 0,
  )
  const { json: usage } = await client.ask({ path: '/settings/disk-usage' })
  assert.equal(
    Number(usage.data.attributes.files),
    sizes.reduce((sum: number, size: number) => sum + size, 0),
  )
  const { json: feed } = await client.ask({ path: '/data/io.cozy.files/_changes' })
  const living = feed.results
    .filter(({ deleted }: { deleted?: boolean }) => !deleted)
    .map(({ id }: { id: string }) => id)
  assert.deepEqual(living.sort(), listed.rows.map(({ id }: { id: string }) => id).sort())
}
