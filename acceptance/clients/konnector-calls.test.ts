/**
 * What the published cozy-konnector-libs 5.13 asks of the server, through the two clients it carries: the calls of `saveFiles`,
 * `saveBills`, `linkBankOperations`, `addData`, `updateOrCreate` and `mkdirp`, in their order and with their parameters.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { startStack } from '../help/stack.ts'
import { published } from './published.ts'

const { default: CozyClient } = published('cozy-client')
const { Client } = published('cozy-client-js')

const FILES = 'io.cozy.files'
const BILLS = 'io.cozy.bills'
const OPERATIONS = 'io.cozy.bank.operations'
const CONTACTS = 'io.cozy.contacts'
const ACCOUNTS = 'io.cozy.accounts'
const ROOT = 'io.cozy.files.root-dir'

globalThis.fetch = published('node-fetch')
const stack = await startStack()
after(() => stack[Symbol.asyncDispose]())
const token = await stack.token([FILES, BILLS, OPERATIONS, CONTACTS, ACCOUNTS, 'io.cozy.konnectors'].join(' '))
// As a konnector gets them from its environment.
const env = { COZY_URL: `${stack.url}/`, COZY_CREDENTIALS: token }
const client = CozyClient.fromEnv(env)
const files = client.collection(FILES)
const cozy = new Client({ cozyURL: env.COZY_URL, token: env.COZY_CREDENTIALS })

const accountId = 'acc001'
const identifier = 'me@mail.net'
const konnector = { _type: 'io.cozy.konnectors', _id: 'io.cozy.konnectors/acme' }

test('saveFiles: looks the file up by what identifies it, uploads, checks what came of it', async () => {
  const { data: folder } = await files.createDirectoryByPath('/Administrative/Acme/me@mail.net')
  const index = 'by_cozyMetadata.createdByApp_and_cozyMetadata.sourceAccountIdentifier_and_metadata.fileIdAttributes'
  const query = async (createdByApp: string, fileIdAttributes: string) =>
    files.find(
      {
        metadata: { fileIdAttributes },
        trashed: false,
        cozyMetadata: { sourceAccountIdentifier: identifier, createdByApp },
      },
      {
        indexedFields: [
          'cozyMetadata.createdByApp',
          'cozyMetadata.sourceAccountIdentifier',
          'metadata.fileIdAttributes',
        ],
        partialFilter: { trashed: false },
        limit: 1000,
      },
    )
  assert.deepEqual((await query('acme', 'acme####1')).data, [])
  const { rows } = await client.getStackClient().fetchJSON('GET', `/data/${FILES}/_design_docs?include_docs=true`)
  assert.ok(rows.some(({ id }: { id: string }) => id === `_design/${index}_filter_(trashed_false)`))

  await assert.rejects(files.statByPath('/Administrative/Acme/me@mail.net/2025-03_facture.pdf'), error => {
    assert.equal(JSON.parse((error as Error).message).errors[0].status, '404')
    return true
  })
  const content = randomBytes(48_211)
  const upload = () =>
    files.createFile(Readable.from([content]), {
      name: '2025-03_facture.pdf',
      dirId: folder._id,
      contentType: 'application/pdf',
      lastModifiedDate: new Date('2025-03-04T10:00:00.123Z'),
      metadata: { fileIdAttributes: 'acme####1', contentAuthor: 'acme', carbonCopy: true },
      sourceAccount: accountId,
      sourceAccountIdentifier: identifier,
    })
  const { data: file } = await upload()
  assert.deepEqual(
    [file.attributes.size, file.attributes.mime, file.attributes.name],
    ['48211', 'application/pdf', '2025-03_facture.pdf'],
  )
  assert.equal(file.attributes.metadata.carbonCopy, undefined, 'not certified: the token may not say so')
  assert.deepEqual(
    [file.cozyMetadata.sourceAccount, file.cozyMetadata.sourceAccountIdentifier],
    [accountId, identifier],
  )
  assert.deepEqual(file.attributes.updated_at.replace(/123\d*/, '123'), '2025-03-04T10:00:00.123Z')

  // Found again by the nested selector, here without the app: a token of the command line has none.
  const found = await files.find(
    {
      metadata: { fileIdAttributes: 'acme####1' },
      trashed: false,
      cozyMetadata: { sourceAccountIdentifier: identifier },
    },
    {
      indexedFields: ['metadata.fileIdAttributes', 'cozyMetadata.sourceAccountIdentifier'],
      partialFilter: { trashed: false },
    },
  )
  assert.deepEqual(
    found.data.map(({ _id }: { _id: string }) => _id),
    [file._id],
  )
  await assert.rejects(upload(), error => {
    assert.equal(JSON.parse((error as Error).message).errors[0].status, '409')
    return true
  })

  const { data: again } = await files.updateFile(Readable.from(['%PDF-1.4 new']), {
    fileId: file._id,
    name: '2025-03_facture.pdf',
    contentType: 'application/pdf',
    metadata: { fileIdAttributes: 'acme####1' },
  })
  assert.deepEqual([again._id, again.attributes.size], [file._id, '12'])
  assert.deepEqual(
    Buffer.from(await (await cozy.files.downloadById(file._id)).arrayBuffer()).toString(),
    '%PDF-1.4 new',
  )
})

test('saveFiles: a file that came out empty or broken is destroyed for good', async () => {
  const { data: file } = await files.createFile(Readable.from([]), {
    name: 'empty.pdf',
    dirId: ROOT,
    contentType: 'text/html; charset=utf-8',
  })
  assert.deepEqual([file.attributes.size, file.attributes.mime], ['0', 'text/html'])
  await files.deleteFilePermanently(file._id)
  await assert.rejects(files.statById(file._id), { status: 404 })
})

test('saveFiles: rename, new metadata, move', async () => {
  const { data: folder } = await files.createDirectoryByPath('/Other')
  const { data: file } = await files.createFile('x', { name: 'old name.txt', dirId: ROOT })
  const { data: renamed } = await files.updateAttributes(file._id, {
    name: 'new name.txt',
    metadata: { fileIdAttributes: 'acme####2', label: 'bill' },
  })
  assert.deepEqual([renamed.name, renamed.metadata.label], ['new name.txt', 'bill'])
  const { data: moved } = await files.update({ _id: file._id, dir_id: folder._id })
  assert.equal(moved.dir_id, folder._id)
})

test('magic folders: the folder refers to its konnector and its account, and is found by them', async () => {
  const { data: folder } = await files.createDirectoryByPath('/Administrative/Magic/me@mail.net')
  const account = { _type: 'io.cozy.accounts.sourceAccountIdentifier', _id: identifier }
  await files.addReferencesTo(konnector, [folder])
  await files.addReferencesTo(account, [folder])
  // A contract without an id: nobody is there, and nobody minds.
  await files.addReferencesTo({ _type: 'io.cozy.accounts.contracts', _id: 'undefined' }, [folder])

  const { included } = await files.findReferencedBy(konnector)
  const [seen] = included.filter(({ _id }: { _id: string }) => _id === folder._id)
  assert.deepEqual([seen.attributes.type, seen.attributes.path], ['directory', '/Administrative/Magic/me@mail.net'])
  assert.deepEqual(
    seen.attributes.referenced_by.filter(({ type }: { type: string }) => type !== 'io.cozy.accounts.contracts'),
    [
      { type: konnector._type, id: konnector._id },
      { type: account._type, id: account._id },
    ],
  )
  await files.destroy(folder)
  const trashed = (await files.findReferencedBy(konnector)).included.find(
    ({ _id }: { _id: string }) => _id === folder._id,
  )
  assert.match(trashed.attributes.path, /^\/\.cozy_trash\//)
})

test('saveBills: an index on the vendor, bills found by it, the file they belong to', async () => {
  const index = await cozy.data.defineIndex(BILLS, ['vendor', 'date'])
  assert.deepEqual(await cozy.data.query(index, { selector: { vendor: 'acme', date: { $gt: null } } }), [])
  for (const day of [1, 2, 3]) {
    await cozy.data.create(BILLS, {
      vendor: 'acme',
      date: `2025-03-0${day}T00:00:00.000Z`,
      amount: day,
      invoice: `${FILES}:f${day}`,
    })
  }
  const found = await cozy.data.query(index, {
    selector: { vendor: 'acme', date: { $gt: '2025-03-01T12:00:00.000Z' } },
    sort: [{ vendor: 'desc' }, { date: 'desc' }],
    fields: ['_id', 'amount', 'invoice'],
    limit: 100,
  })
  assert.deepEqual(
    found.map(({ amount }: { amount: number }) => amount),
    [3, 2],
  )
})

test('linkBankOperations: operations are read in pages and changed many at once', async () => {
  const operations = Array.from({ length: 120 }, (_, n) => ({
    amount: -n,
    label: `ACME ${n}`,
    date: new Date(2025, 0, n + 1).toISOString(),
  }))
  await client.collection(OPERATIONS).updateAll(operations)
  const all = await cozy.data.findAll(OPERATIONS)
  assert.equal(all.length, 120)
  const changed = all.slice(0, 30).map((operation: object) => ({ ...operation, bills: [`${BILLS}:b1`] }))
  const answers = await cozy.fetchJSON('POST', `/data/${OPERATIONS}/_bulk_docs`, { docs: changed })
  assert.ok(answers.every(({ ok }: { ok: boolean }) => ok))
  const linked = (await cozy.data.findAll(OPERATIONS)).filter(({ bills }: { bills?: string[] }) => bills)
  assert.equal(linked.length, 30)
})

test('updateOrCreate and addData: create, then change what was read whole', async () => {
  const made = await cozy.data.create(CONTACTS, { name: { givenName: 'Bob' }, email: [{ address: 'b@mail.net' }] })
  const read = await cozy.data.find(CONTACTS, made._id)
  const updated = await cozy.data.update(CONTACTS, read, { ...read, phone: [{ number: '1' }] })
  assert.deepEqual([updated.phone[0].number, updated.email[0].address], ['1', 'b@mail.net'])
})

test('BaseKonnector: the account is loaded, what the konnector keeps in it survives', async () => {
  const account = await cozy.data.create(ACCOUNTS, {
    account_type: 'acme',
    identifier: 'login',
    auth: { login: identifier, password: 'hunter2' },
  })
  const updated = await cozy.data.updateAttributes(ACCOUNTS, account._id, { data: { token: 'abc' }, state: null })
  assert.deepEqual([updated.data.token, updated.auth.login], ['abc', identifier])
  await assert.rejects(cozy.data.find(ACCOUNTS, 'nobody'), { status: 404 })
})

test('a full disk is told by the words that become DISK_QUOTA_EXCEEDED', async () => {
  await stack.admin('/instances/localhost', { method: 'PATCH', body: { quotaBytes: 100_000 } })
  await assert.rejects(
    files.createFile(new Uint8Array(200_000), { name: 'too-big.bin', dirId: ROOT }),
    (error: Error & { status: number }) => error.status === 413 && JSON.parse(error.message).errors[0].status === '413',
  )
  await assert.rejects(files.statByPath('/too-big.bin'), { status: 404 })
})
