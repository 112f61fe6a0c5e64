import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { WireError } from '../../src/ground/http/errors.ts'
import { BLOB_PIECE } from '../../src/rooms/instances/archive/format.ts'
import { readTar, tarEnd, tarEntry } from '../../src/rooms/instances/archive/tar.ts'
import type { Instance } from '../../src/rooms/instances/index.ts'
import { type Bench, derived, makeInstance, openBench } from './help.ts'

const HERE = { address: '10.0.0.1' }
const refused = (status: number, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WireError, String(error))
  assert.equal(error.status, status)
  assert.match(error.message, text)
  return true
}

/** An account whose credentials are sealed as the accounts room does, files with contents, odd documents, a conflict. */
async function furnish({ ground, instances }: Bench, instance: Instance) {
  const documents = ground.documents.of(instance)
  instances.archive.portable.sealed({
    table: 'docs',
    doctype: 'io.cozy.accounts',
    context: ({ id }) => `account:${id}`,
  })
  const contents = [Buffer.from('hello'), Buffer.alloc(0), Buffer.alloc(BLOB_PIECE * 2 + 17, 'x')]
  for (const [index, content] of contents.entries()) {
    const { key } = await ground.blobs.put(instance.id, Readable.from([content]))
    const body = { type: 'file', name: `${index}.txt`, dir_id: 'io.cozy.files.root-dir', internal_blob: key }
    await documents.create('io.cozy.files', body, `file${index}`)
  }
  const sealed = await ground.keyring.seal(instance.id, 'account:acme', 'hunter2')
  await documents.create('io.cozy.accounts', { auth: { login: 'me', credentials: sealed }, n: 1 }, 'acme')
  const odd = { nul: 'a\u0000b', lone: '\ud800', é: [null, { deep: 1.5 }], looks: sealed }
  await documents.create('io.cozy.things', odd, 'odd')
  const gone = await documents.create('io.cozy.things', { a: 1 }, 'gone')
  await documents.remove('io.cozy.things', 'gone', gone.rev)
  await ground.database.driver.query(
    `update docs set doc = doc || '{"big": 123456789012345678901234567890}' where instance_id = $1 and id = 'odd'`,
    [instance.id],
  )
  await documents.write(
    'io.cozy.bills',
    Array.from({ length: 3000 }, (_, n) => ({ body: { n, text: 'y'.repeat(500) } })),
  )
  return contents
}

async function rowsOf({ ground }: Bench, instance: Instance, table: string): Promise<string[]> {
  const { rows } = await ground.database.driver.query<{ line: string }>(
    `select (to_jsonb(t) - 'instance_id')::text as line from ${table} t where instance_id = $1 order by 1`,
    [instance.id],
  )
  return rows.map(({ line }) =>
    line.replace(/("internal_blob": )"[^"]+"/g, '$1"…"').replace(/"k1\.[^"]+"/g, '"sealed"'),
  )
}

async function temporaryFolders({ ground }: Bench): Promise<string[]> {
  return await readdir(join(ground.config.dataDirectory, 'tmp'))
}

test('an instance travels to another server with all it has, its secrets sealed by a passphrase', async () => {
  await using here = await openBench()
  await using there = await openBench()
  const alice = await makeInstance(here, 'alice.localhost', 'correct horse')
  const contents = await furnish(here, alice)
  const before = await here.instances.update(alice, { quotaBytes: 1e9, flags: { a: 1 } })
  const { setCookie } = await here.instances.sessions.open(alice)
  const archive = await buffer(await here.instances.archive.export(before, { passphrase: 'open sesame' }))
  for (const secret of ['hunter2', Buffer.from((await here.instances.secrets(alice)).oauth).toString('base64url')])
    assert.ok(!archive.includes(secret), 'no secret is readable')
  assert.deepEqual(await temporaryFolders(here), [], 'nothing is left behind')

  there.instances.archive.portable.sealed({
    table: 'docs',
    doctype: 'io.cozy.accounts',
    context: ({ id }) => `account:${id}`,
  })
  const hooked: string[] = []
  there.instances.archive.onImported(async instance => void hooked.push(instance.domain))
  const result = await there.instances.archive.import(Readable.from([archive]), { passphrase: 'open sesame' })
  const now = result.instance
  assert.deepEqual(hooked, ['alice.localhost'])
  assert.deepEqual([result.blobs, result.leftOut], [3, []])
  assert.deepEqual(
    { ...now, id: '', uuid: '', passphraseDefined: true },
    { ...before, id: '', uuid: '', oldDomain: undefined },
  )
  for (const table of ['docs', 'feeds', 'leaves', 'local_docs', 'passphrases'])
    assert.deepEqual(await rowsOf(there, now, table), await rowsOf(here, alice, table), table)

  const documents = there.ground.documents.of(now)
  for (const [index, content] of contents.entries()) {
    const { internal_blob: key } = (await documents.get('io.cozy.files', `file${index}`))!.body
    assert.ok((await buffer(await there.ground.blobs.open(now.id, String(key)))).equals(content))
  }
  const account = (await documents.get('io.cozy.accounts', 'acme'))!.body as { auth: { credentials: string } }
  assert.equal(await there.ground.keyring.open(now.id, 'account:acme', account.auth.credentials), 'hunter2')
  assert.equal((await documents.get('io.cozy.things', 'odd'))?.body.nul, 'a\u0000b')
  const { rows } = await there.ground.database.driver.query("select doc ->> 'big' as big from docs where id = 'odd'")
  assert.equal(rows[0].big, '123456789012345678901234567890')
  assert.equal(await there.instances.passphrase.verify(now, await derived('correct horse', alice), HERE), true)
  assert.deepEqual((await there.instances.secrets(now)).oauth, (await here.instances.secrets(alice)).oauth)
  assert.equal(await there.instances.sessions.find(setCookie, now), undefined, 'a cookie is of one instance')
  await documents.create('io.cozy.bills', { n: 'after' })
  assert.equal((await documents.feed('io.cozy.bills'))?.documents, 3001)
})

test('the same server takes it too, at another domain', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost')
  await furnish(bench, alice)
  const archive = await buffer(await bench.instances.archive.export(alice, {}))
  await assert.rejects(bench.instances.archive.import(Readable.from([archive]), {}), refused(409, /already/))
  const { instance } = await bench.instances.archive.import(Readable.from([archive]), { domain: 'copy.localhost' })
  assert.notEqual(instance.id, alice.id)
  assert.deepEqual([instance.domain, instance.url], ['copy.localhost', 'http://copy.localhost:8080/'])
  const [mine, theirs] = await Promise.all(
    [alice, instance].map(i => bench.ground.documents.of(i).get('io.cozy.files', 'file0')),
  )
  assert.notEqual(mine?.body.internal_blob, theirs?.body.internal_blob)
  await bench.instances.destroy(alice)
  const key = String(theirs?.body.internal_blob)
  assert.equal((await buffer(await bench.ground.blobs.open(instance.id, key))).toString(), 'hello')
})

test('without a passphrase secrets stay behind, and the archive says so', async () => {
  await using here = await openBench()
  await using there = await openBench()
  const alice = await makeInstance(here, 'alice.localhost', 'correct horse')
  await furnish(here, alice)
  const archive = await buffer(await here.instances.archive.export(alice, {}))
  const { instance, leftOut } = await there.instances.archive.import(Readable.from([archive]), {})
  assert.equal(leftOut.length, 2)
  assert.match(leftOut.join('\n'), /1 row of io\.cozy\.accounts without their secrets[\s\S]*its keys/)
  const account = await there.ground.documents.of(instance).get('io.cozy.accounts', 'acme')
  assert.deepEqual(account?.body, { auth: { login: 'me' }, n: 1 })
  assert.notDeepEqual((await there.instances.secrets(instance)).oauth, (await here.instances.secrets(alice)).oauth)
})

test('a sealed text that somebody copied from elsewhere is no reason to make no archive', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost')
  await furnish(bench, alice)
  const documents = bench.ground.documents.of(alice)
  const acme = (await documents.get('io.cozy.accounts', 'acme'))!.body
  await documents.create('io.cozy.accounts', acme, 'copied')
  const archive = await buffer(await bench.instances.archive.export(alice, { passphrase: 'p' }))
  const options = { domain: 'b.localhost', passphrase: 'p' }
  const { instance, leftOut } = await bench.instances.archive.import(Readable.from([archive]), options)
  assert.deepEqual(leftOut, ['1 secret of io.cozy.accounts that did not open here either'])
  assert.deepEqual((await bench.ground.documents.of(instance).get('io.cozy.accounts', 'copied'))?.body, acme)
})

test('a table with sealed rows that no room told of: those rows stay behind, said', async () => {
  await using bench = await openBench()
  const { driver } = bench.ground.database
  await driver.query(
    'create table konnectory.odd_secrets (instance_id uuid, name text, sealed text, at timestamptz, raw json)',
  )
  const alice = await makeInstance(bench, 'alice.localhost')
  const sealed = await bench.ground.keyring.seal(alice.id, 'odd', 'x')
  await driver.query(`insert into odd_secrets values ($1, 'a', $2), ($1, 'b', 'plain')`, [alice.id, sealed])
  await driver.query(`update odd_secrets set raw = '{"z":1,"a":2}', at = '2026-01-01T00:00:00.123456Z'`)
  const archive = await buffer(await bench.instances.archive.export(alice, { passphrase: 'p' }))
  const options = { domain: 'b.localhost', passphrase: 'p' }
  const { instance, leftOut } = await bench.instances.archive.import(Readable.from([archive]), options)
  assert.match(leftOut.join(), /1 row of odd_secrets, whose secrets only this server can open/)
  const { rows } = await driver.query('select name, raw::text, at::text from odd_secrets where instance_id = $1', [
    instance.id,
  ])
  assert.deepEqual(rows, [{ name: 'b', raw: '{"z":1,"a":2}', at: rows[0]?.at }], 'json keeps the order of its members')
  assert.match(String(rows[0]?.at), /123456/)
})

test('what is no archive, is cut, or was made with another passphrase leaves nothing', async () => {
  await using bench = await openBench()
  const { instances, ground } = bench
  const alice = await makeInstance(bench, 'alice.localhost')
  await furnish(bench, alice)
  const whole = await buffer(await instances.archive.export(alice, { passphrase: 'right' }))
  await instances.destroy(alice)
  const attempt = (archive: Buffer, passphrase?: string) =>
    instances.archive.import(Readable.from([archive]), { passphrase })
  await assert.rejects(attempt(whole), refused(400, /passphrase it was made with is needed/))
  await assert.rejects(attempt(whole, 'wrong'), refused(400, /not the passphrase/))
  for (const at of [0, 100, 600, Math.floor(whole.length / 2), whole.length - 1600, whole.length - 1024])
    await assert.rejects(attempt(whole.subarray(0, at), 'right'), refused(400, /cut/), `cut at ${at}`)
  await assert.rejects(attempt(Buffer.from('x'.repeat(2000)), 'right'), refused(400, /not an archive/))

  const files: { name: string; content: Buffer }[] = []
  for await (const file of readTar(Readable.from([whole]), 1e9)) files.push(file)
  const pack = (some: typeof files) =>
    Buffer.concat([...some.flatMap(({ name, content }) => tarEntry(name, content, new Date(0))), tarEnd()])
  assert.equal((await attempt(pack(files), 'right')).blobs, 3)
  await instances.destroy((await instances.byDomain('alice.localhost'))!)
  const without = (text: string) => pack(files.filter(({ name }) => !name.includes(text)))
  await assert.rejects(attempt(without('rows/docs/000002'), 'right'), refused(400, /not whole/))
  await assert.rejects(attempt(without('blobs/'), 'right'), refused(400, /not whole/))
  const changed = (name: string, change: (text: string) => string) =>
    pack(
      files.map(file => (file.name === name ? { name, content: Buffer.from(change(file.content.toString())) } : file)),
    )
  const newer = changed('manifest.json', text => text.replace('"migrations":[', '"migrations":["ground/999-new.sql",'))
  await assert.rejects(attempt(newer, 'right'), refused(400, /newer version/))
  await assert.rejects(
    attempt(
      changed('manifest.json', () => '{'),
      'right',
    ),
    refused(400, /no JSON/),
  )
  await assert.rejects(
    attempt(
      changed('manifest.json', () => '{}'),
      'right',
    ),
    refused(400, /manifest cannot be read/),
  )
  const foreign = changed('manifest.json', text => text.replace('"tables":{', '"tables":{"pg_authid":["rolname"],'))
  await assert.rejects(attempt(foreign, 'right'), refused(400, /does not know/))
  await assert.rejects(
    attempt(
      changed('end.json', () => '{"rows":1}'),
      'right',
    ),
    refused(400, /end/),
  )
  await assert.rejects(
    attempt(
      changed('rows/docs/000001.jsonl', text => text.slice(3)),
      'right',
    ),
    refused(400, /damaged/),
  )
  await assert.rejects(
    attempt(
      changed('rows/docs/000001.jsonl', text => text.replace('"rev":', '"rev2":')),
      'right',
    ),
    refused(400, /cannot be stored/),
  )
  await assert.rejects(
    attempt(pack([...files.slice(0, 1), { name: '../../etc/passwd', content: Buffer.from('x') }]), 'right'),
    refused(400, /nothing that an instance has/),
  )
  assert.deepEqual((await ground.database.driver.query('select domain from instances')).rows, [])
  assert.deepEqual((await ground.database.driver.query('select id from docs')).rows, [])
})

test('an export that nobody reads to the end leaves nothing behind', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost')
  await furnish(bench, alice)
  const unread = await bench.instances.archive.export(alice, {})
  const begun = await bench.instances.archive.export(alice, {})
  await new Promise(resolve => begun.once('data', resolve))
  for (const stream of [unread, begun]) {
    const closed = new Promise(resolve => stream.once('close', resolve))
    stream.destroy()
    await closed
  }
  while ((await temporaryFolders(bench)).length > 0) await new Promise(resolve => setImmediate(resolve))
})

test('an imported instance answers nothing before it is whole', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost')
  const archive = await buffer(await bench.instances.archive.export(alice, {}))
  let seen: unknown
  bench.instances.archive.onImported(async () => {
    seen = (await bench.instances.tenantOf('copy.localhost', '/')).blocked?.body
  })
  await bench.instances.archive.import(Readable.from([archive]), { domain: 'copy.localhost' })
  assert.deepEqual(seen, { error: 'The instance is being imported' })
  assert.equal((await bench.instances.tenantOf('copy.localhost', '/')).blocked, undefined)
})
