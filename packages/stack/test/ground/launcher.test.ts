/** The launcher's everyday: first start, later starts, as root and as a plain user, ending (storage.md §6.1, 3, 4). */
import assert from 'node:assert/strict'
import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SERVICE_UID } from '../../src/ground/database/service-user.ts'
import { processesWith } from '../help/processes.ts'
import { gone, isRoot, postmasterOf, remove, STRANGER, startServer, testFolder } from '../help/start-server.ts'

const uidOf = (pid: number) => Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

const folder = testFolder('launcher')
after(() => remove(folder))
const data = join(folder, 'data')

test('a fresh directory, then the same again', async t => {
  const env = { KONNECTORY_DATA: data, KONNECTORY_LOG: 'debug' }
  {
    await using server = startServer({ env })
    const facts = await server.first
    assert.equal(facts.ready, true, facts.message)
    assert.equal(facts.kind, 'managed')
    assert.match(facts.version, /^18\./)
    assert.equal(facts.fsync, 'on')
    assert.equal(facts.directory, join(data, 'postgresql'))
    t.diagnostic(`fresh directory: ${facts.ms} ms until the first answer`)
    const postmaster = postmasterOf(data)

    await t.test('nothing listens on the network, and the socket is private', () => {
      const lines = readFileSync(join(data, 'postgresql/postmaster.pid'), 'utf8').split('\n')
      assert.equal(lines[5], '', 'listen address')
      const sockets = statSync(join(data, 'run'))
      assert.equal(sockets.mode & 0o777, 0o700)
      assert.ok(lstatSync(join(data, 'run/.s.PGSQL.5432')).isSocket())
    })
    await t.test('what it keeps is closed to others', () => {
      assert.equal(statSync(join(data, 'postgresql')).mode & 0o777, 0o700)
      assert.equal(statSync(join(data, 'database.json')).mode & 0o777, 0o600)
    })
    await t.test('started as root, it runs as the service user, who owns it all', { skip: !isRoot }, () => {
      assert.equal(uidOf(postmaster), SERVICE_UID)
      for (const name of ['.', 'postgresql', 'run', 'database.json', 'database.lock', 'postgresql/PG_VERSION']) {
        assert.equal(lstatSync(join(data, name)).uid, SERVICE_UID, name)
      }
      assert.equal(statSync(data).mode & 0o777, 0o700)
      for (const { uid, command } of processesWith(data)) assert.equal(uid, SERVICE_UID, command)
    })
    assert.equal(await server.close(), 0)
    assert.equal(processesWith(data).length, 0)
    assert.equal(postmasterOf(data), 0)
    assert.match(server.log(), /smart shutdown/)
  }
  const times: number[] = []
  for (let i = 0; i < 3; i++) {
    await using server = startServer({ env })
    const facts = await server.first
    assert.equal(facts.ready, true, facts.message)
    times.push(facts.ms)
    await server.close()
  }
  t.diagnostic(`existing directory: ${times.join(', ')} ms until the first answer`)
  assert.ok(Math.min(...times) < 1000, `the fastest of ${times} ms`)
  assert.equal(JSON.parse(readFileSync(join(data, 'database.json'), 'utf8')).binaries, 'package')
})

test('as a plain user', { skip: !isRoot && 'needs root, to become one' }, async t => {
  const data = join(folder, 'prepared')
  mkdirSync(data, { mode: 0o700 })
  await t.test('a uid without a name is told that initdb wants one', async () => {
    chownSync(data, STRANGER, STRANGER)
    await using server = startServer({ env: { KONNECTORY_DATA: data }, uid: STRANGER })
    const facts = await server.first
    assert.equal(facts.refused, 'service_user')
    assert.match(facts.message, /only as a user with a name/)
    assert.equal(existsSync(join(data, 'postgresql')), false)
  })
  await t.test('a user with a name starts afresh', async () => {
    const own = join(folder, 'own')
    const nobody = 65_534
    mkdirSync(own, { mode: 0o700 })
    chownSync(own, nobody, nobody)
    await using server = startServer({ env: { KONNECTORY_DATA: own }, uid: nobody })
    const facts = await server.first
    assert.equal(facts.ready, true, facts.message)
    assert.equal(uidOf(postmasterOf(own)), nobody)
    assert.equal(lstatSync(join(own, 'postgresql/PG_VERSION')).uid, nobody)
    await server.close()
  })
  await t.test('a directory prepared for a user is kept his by root, and his to go on with', async () => {
    {
      await using asRoot = startServer({ env: { KONNECTORY_DATA: data } })
      const facts = await asRoot.first
      assert.equal(facts.ready, true, facts.message)
      assert.equal(uidOf(postmasterOf(data)), STRANGER)
      await asRoot.close()
    }
    await using asHim = startServer({ env: { KONNECTORY_DATA: data }, uid: STRANGER })
    const facts = await asHim.first
    assert.equal(facts.ready, true, facts.message)
    await asHim.close()
  })
})

test('a server that goes away by itself is noticed', async () => {
  await using server = startServer({ env: { KONNECTORY_DATA: data } })
  assert.equal((await server.first).ready, true)
  const { promise: told, resolve } = Promise.withResolvers<void>()
  const postmaster = postmasterOf(data)
  server.child.stdout!.on('data', text => /"lost"/.test(String(text)) && resolve())
  process.kill(postmaster, 'SIGKILL')
  await told
  await gone(postmaster, 1000)
  assert.equal(await server.close(), 0)

  // Its backends may hold the old memory for a moment; the next start waits for that.
  await using next = startServer({ env: { KONNECTORY_DATA: data } })
  const facts = await next.first
  assert.equal(facts.ready, true, facts.message)
  await next.close()
})
