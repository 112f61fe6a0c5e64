/** The harness itself: one server per run, gone with the run. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createTestDatabase, isAlive, testServerVersion } from '../../src/ground/database/testing.ts'
import { processesWith } from '../help/processes.ts'
import { remove, testFolder } from '../help/start-server.ts'

const folder = testFolder('harness')
after(() => remove(folder))

test('the switch decides which PostgreSQL the tests run on', async () => {
  const expected = process.env.KONNECTORY_TEST_DATABASE === 'external' ? /^15\./ : /^18\./
  assert.match(await testServerVersion(), expected)
})

test('databases are of their own, and gone when disposed of', async () => {
  await using one = await createTestDatabase()
  await using two = await createTestDatabase()
  await one.driver.query('create table konnectory.mine (id int)')
  assert.equal((await two.driver.query("select to_regclass('konnectory.mine') as mine")).rows[0].mine, null)
  const names = async () =>
    (await one.driver.query("select datname from pg_database where datname like 'test%'")).rows.map(row => row.datname)
  const { name } = two
  assert.ok((await names()).includes(name))
  await two[Symbol.asyncDispose]()
  assert.ok(!(await names()).includes(name))
})

test('three files of one run share a server; it ends when the run is killed', async () => {
  const harness = join(import.meta.dirname, '../../src/ground/database/testing.ts')
  const file = (n: number) => join(folder, `shared-${n}.test.ts`)
  const source = (n: number) => `
    import { renameSync, writeFileSync } from 'node:fs'
    import { test } from 'node:test'
    import { createTestDatabase } from ${JSON.stringify(harness)}
    test('uses a database', async () => {
      await using database = await createTestDatabase()
      const { rows } = await database.driver.query("select pg_postmaster_start_time()::text as id, current_setting('data_directory') as directory")
      writeFileSync(${JSON.stringify(join(folder, 'answer-'))} + '${n}.new', JSON.stringify(rows[0]))
      renameSync(${JSON.stringify(join(folder, 'answer-'))} + '${n}.new', ${JSON.stringify(join(folder, 'answer-'))} + '${n}.json')
      if (${n} === 3) await new Promise(() => setInterval(() => {}, 1000))
    })`
  for (const n of [1, 2, 3]) writeFileSync(file(n), source(n))
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = ['--test', '--test-reporter=dot', '--test-concurrency=3', ...[1, 2, 3].map(file)]
  const run = spawn(process.execPath, args, { env, stdio: 'ignore' })
  const answers = () => globSync('answer-*.json', { cwd: folder }).map(name => readFileSync(join(folder, name), 'utf8'))
  const ended = once(run, 'exit').then(() => 'ended')
  const changes = watch(folder)
  while (answers().length < 3) {
    const first = await Promise.race([once(changes, 'change'), ended])
    assert.notEqual(first, 'ended')
  }
  changes.close()
  assert.equal(new Set(answers()).size, 1, 'one server for all')
  const directory: string = JSON.parse(answers()[0]!).directory
  const keepers = processesWith(`konnectory-test-${process.getuid?.()}-${run.pid}-`).map(({ pid }) => pid)
  run.kill('SIGKILL')
  await ended
  for (const { pid } of processesWith(file(3))) process.kill(pid, 'SIGKILL')
  const deadline = performance.now() + 10_000
  while (keepers.some(isAlive) && performance.now() < deadline) await delay(20)
  assert.deepEqual(processesWith(directory), [])
  assert.equal(existsSync(directory), false)
})
