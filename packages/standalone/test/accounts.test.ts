import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Document } from '@konnectory/protocol'
import { open, readData, send, temporaryDirectory } from './support/stack.ts'

const ACCOUNTS = 'io.cozy.accounts'

test('the account has the auth of the options, its other attributes persist, its auth does not', async () => {
  using dir = temporaryDirectory()
  const account = { id: 'acc', auth: { login: 'me', password: 'pl4in-s3cret' } }
  const first = open(dir.path, { account })
  const read = await first.client.data.get(ACCOUNTS, 'acc')
  assert.deepEqual([read.auth, read.account_type], [account.auth, 'acme'])
  await first.client.data.updateAttributes(ACCOUNTS, 'acc', { state: 'LOGIN_SUCCESS', data: { session: 's1' } })
  const journal = readdirSync(dir.path).find(name => name.endsWith('.journal'))
  assert.ok(journal)
  assert.doesNotMatch(readFileSync(join(dir.path, journal), 'utf8'), /pl4in-s3cret/)
  await first.stack.flush()
  assert.doesNotMatch(readFileSync(join(dir.path, 'importedData.json'), 'utf8'), /pl4in-s3cret|"auth"/)

  const second = open(dir.path, { account: { id: 'acc', auth: { login: 'me', password: 'new' } } })
  const again = await second.client.data.get(ACCOUNTS, 'acc')
  assert.deepEqual(
    [again.auth, again.state, again.data],
    [{ login: 'me', password: 'new' }, 'LOGIN_SUCCESS', { session: 's1' }],
  )
  assert.match(again._rev, /^2-/)
})

test('a revision does not depend on the credentials', async () => {
  using a = temporaryDirectory()
  using b = temporaryDirectory()
  const revisions = []
  for (const [dir, password] of [
    [a, 'one'],
    [b, 'two'],
  ] as const) {
    const { client } = open(dir.path, { account: { id: 'acc', auth: { password } } })
    revisions.push((await client.data.updateAttributes(ACCOUNTS, 'acc', { state: 'x' }))._rev)
  }
  assert.equal(revisions[0], revisions[1])
})

test('an auth written by the former tools in the data file is replaced, and gone at the next save', async () => {
  using dir = temporaryDirectory()
  writeFileSync(
    join(dir.path, 'importedData.json'),
    JSON.stringify({ [ACCOUNTS]: [{ _id: 'acc', auth: { password: 'old' }, data: { k: 1 } }] }),
  )
  const { stack, client } = open(dir.path, { account: { id: 'acc', auth: { password: 'new' } } })
  const read = await client.data.get(ACCOUNTS, 'acc')
  assert.deepEqual([read.auth, read.data], [{ password: 'new' }, { k: 1 }])
  await stack.flush()
  assert.deepEqual(Object.keys(readData(dir.path)[ACCOUNTS]![0]!), ['_id', '_rev', 'data'])
})

test('events carry no credentials, lists no secret members', async () => {
  using dir = temporaryDirectory()
  const { stack, client, events } = open(dir.path, { account: { id: 'acc', auth: { login: 'me', password: 'pl4in' } } })
  await client.data.updateAttributes(ACCOUNTS, 'acc', { oauth: { access_token: 'pl4in' } })
  assert.equal(events.length, 1)
  assert.doesNotMatch(JSON.stringify(events), /pl4in/)
  const listed = await client.data.find(ACCOUNTS, { selector: {} })
  assert.deepEqual(listed.docs[0]!.auth, { login: 'me' })
  assert.doesNotMatch(
    JSON.stringify(
      (await send(stack, 'POST', `/data/${ACCOUNTS}/_all_docs?include_docs=true`, {})).body.rows[0].doc.auth,
    ),
    /pl4in/,
  )
})

test('a new account is named after its identifier and says who made it', async () => {
  using dir = temporaryDirectory()
  const { client } = open(dir.path, { clock: () => new Date('2025-01-02T03:04:05Z') })
  const made = await client.data.create<Document>(ACCOUNTS, {
    identifier: 'mail',
    auth: { mail: 'me@x.net', login: 'l' },
  })
  assert.equal(made.name, 'me@x.net')
  assert.deepEqual(made.cozyMetadata, {
    metadataVersion: 1,
    createdAt: '2025-01-02T03:04:05.000Z',
    updatedAt: '2025-01-02T03:04:05.000Z',
    createdByApp: 'acme',
    updatedByApps: [{ slug: 'acme', date: '2025-01-02T03:04:05.000Z' }],
  })
})
