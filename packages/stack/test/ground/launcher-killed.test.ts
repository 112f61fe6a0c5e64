/** What remains when node is killed at any moment (storage.md §6.3, 5, 7; §4 for lost rows). */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, readdirSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { processesWith } from '../help/processes.ts'
import { gone, isRoot, postmasterOf, remove, startServer, testFolder } from '../help/start-server.ts'

const long = process.env.KONNECTORY_LONG === '1'
const folder = testFolder('killed')
after(() => remove(folder))
const data = join(folder, 'data')
const env = { KONNECTORY_DATA: data }

test('killed during the first start, at several moments', { timeout: 120_000 }, async t => {
  // Each moment is an event in the folder, or so many milliseconds after initdb began.
  const moments = long ? [0, 10, 30, 60, 100, 150, 200, 300, 400, 500, 600, 800, 1200, 1600] : [0, 100, 300]
  for (const moment of moments) {
    const first = join(folder, `first-${moment}`)
    const server = startServer({ env: { KONNECTORY_DATA: first } })
    await initdbBegan(first)
    await new Promise(resolve => setTimeout(resolve, moment))
    await server.kill()
    const done = existsSync(join(first, 'postgresql'))
    await using again = startServer({ env: { KONNECTORY_DATA: first } })
    const facts = await again.first
    assert.equal(facts.ready, true, `killed after ${moment} ms: ${facts.message}`)
    assert.deepEqual(unfinished(first), [], 'what was begun is cleared away')
    await again.close()
    assert.deepEqual(processesWith(first), [], 'no initdb, no server, no guardian')
    t.diagnostic(`killed ${moment} ms into initdb (${done ? 'done' : 'not done'}): starts`)
    remove(first)
  }
})

test('kill -9 of node leaves no orphan, and the next start is quick', async t => {
  await (await startReady()).close()
  const ends: number[] = []
  const restarts: number[] = []
  for (let round = 0; round < (long ? 10 : 3); round++) {
    const server = await startReady()
    const postmaster = postmasterOf(data)
    await server.kill()
    const killed = performance.now()
    if (round % 2 === 0) {
      ends.push(await gone(postmaster, 1000))
      assert.deepEqual(
        processesWith(data).filter(({ command }) => !command.includes('server.ts')),
        [],
      )
    }
    // In odd rounds at once, while the old server is still ending.
    const next = await startReady()
    restarts.push(Math.round(performance.now() - killed))
    await next.close()
  }
  t.diagnostic(
    `gone after ${ends.join(', ')} ms; kill to first answer of the next node process ${restarts.join(', ')} ms`,
  )
  assert.ok(Math.min(...restarts) < 1000, `the fastest of ${restarts} ms`)
})

test('kill -9 of the guardian too: the next start ends the orphan itself', async () => {
  const server = await startReady()
  const postmaster = postmasterOf(data)
  const guardians = processesWith(data).filter(({ command }) => command.includes('guardian'))
  assert.equal(guardians.length, 2, 'one waits, one reads')
  for (const { pid } of guardians) process.kill(pid, 'SIGSTOP')
  await server.kill()
  for (const { pid } of guardians) process.kill(pid, 'SIGKILL')
  assert.equal(postmasterOf(data), postmaster, 'the orphan is there')
  const next = await startReady()
  assert.notEqual(postmasterOf(data), postmaster)
  await gone(postmaster, 1000)
  await next.close()
})

test('all killed at once: a stale postmaster.pid and socket do not matter', async () => {
  const server = await startReady()
  const everything = processesWith(join(data, 'postgresql')).map(({ pid }) => pid)
  await server.kill()
  for (const pid of everything) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH')
    }
  }
  await (await startReady()).close()
})

test('a postmaster.pid whose number is another program of the same user, or a zombie', async () => {
  await (await startReady()).close()
  // PostgreSQL itself would believe either to be the server, and refuse.
  const { uid, gid } = lstatSync(join(data, 'postgresql'))
  const script = 'sleep 0 & echo $!; exec sleep 60'
  await using cleanup = new AsyncDisposableStack()
  const stranger = spawn('sh', ['-c', script], { ...(isRoot && { uid, gid }), stdio: ['ignore', 'pipe', 'ignore'] })
  cleanup.defer(() => void stranger.kill())
  const zombie = Number(String((await once(stranger.stdout, 'data'))[0]))
  await gone(zombie, 2000)
  for (const pid of [stranger.pid, zombie]) {
    process.kill(pid!, 0)
    const lines = [pid, join(data, 'postgresql'), 1, 5432, join(data, 'run'), '', '', '']
    writeFileSync(join(data, 'postgresql/postmaster.pid'), lines.join('\n'))
    await (await startReady()).close()
  }
  assert.equal(stranger.exitCode, null, 'the other program is left alone')
})

test('kill -9 under load loses no acknowledged row', async t => {
  const acknowledged = new Set<string>()
  const rounds = long ? 40 : 5
  for (let round = 0; round < rounds; round++) {
    const server = startServer({ env: { ...env, WRITE: '1' } })
    assert.equal((await server.first).ready, true)
    const enough = 50 + round * 37
    while (server.said.length < enough) await once(server.child.stdout!, 'data')
    // In turn: node alone; node and the whole database.
    const postmaster = postmasterOf(data)
    const database = round % 2 ? processesWith(join(data, 'postgresql')).map(({ pid }) => pid) : []
    for (const pid of database) process.kill(pid, 'SIGKILL')
    await server.kill()
    await gone(postmaster, 5000)
    for (const line of server.said) if (typeof line === 'string') acknowledged.add(line)
  }
  const last = await startReady()
  const client = new pg.Client({ host: join(data, 'run'), user: 'konnectory', database: 'postgres' })
  await client.connect()
  const { rows } = await client.query<{ row: string }>("select round || ' ' || n as row from konnectory.rows")
  await client.end()
  await last.close()
  const kept = new Set(rows.map(({ row }) => row))
  const lost = [...acknowledged].filter(row => !kept.has(row))
  t.diagnostic(`${rounds} kills, ${acknowledged.size} rows acknowledged, ${lost.length} lost`)
  assert.ok(acknowledged.size >= rounds * 50)
  assert.deepEqual(lost, [])
})

async function startReady() {
  const server = startServer({ env })
  const facts = await server.first
  assert.equal(facts.ready, true, `${facts.message}\n${server.log()}`)
  return server
}

/** Folders of an unfinished initdb. */
function unfinished(dataDirectory: string): string[] {
  return existsSync(dataDirectory) ? readdirSync(dataDirectory).filter(name => name.startsWith('postgresql.new-')) : []
}

async function initdbBegan(dataDirectory: string): Promise<void> {
  const parent = watch(folder)
  while (!existsSync(dataDirectory)) await once(parent, 'change')
  parent.close()
  const inside = watch(dataDirectory)
  while (unfinished(dataDirectory).length === 0) await once(inside, 'change')
  inside.close()
}
