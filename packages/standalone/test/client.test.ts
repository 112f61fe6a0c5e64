import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { createClient, isStatus, ROOT_DIR_ID, type StackClient } from '@konnectory/client'
import type { LocalStack } from '../src/index.ts'
import { open, temporaryDirectory } from './support/stack.ts'

/** Every method of the client, through both doors. */
const doors: [string, (stack: LocalStack) => Promise<{ client: StackClient; close: () => Promise<void> }>][] = [
  [
    'fetch',
    async stack => ({
      client: createClient({ url: 'https://any.host/', fetch: stack.fetch }),
      close: async () => undefined,
    }),
  ],
  [
    'listen',
    async stack => {
      const server = await stack.listen()
      return { client: createClient(server), close: server.close }
    },
  ],
]

for (const [name, enter] of doors) {
  test(`documents, through ${name}`, async () => {
    using dir = temporaryDirectory()
    const { stack } = open(dir.path)
    const { client, close } = await enter(stack)
    try {
      assert.deepEqual(await client.data.all('io.cozy.bills'), [])
      assert.deepEqual(await client.data.findAll('io.cozy.bills', { selector: { vendor: 'x' } }), [])
      const made = await client.data.create('io.cozy.bills', { vendor: 'acme', amount: 1, text: 'é€😀' })
      assert.deepEqual(await client.data.get('io.cozy.bills', made._id), made)
      const fixed = await client.data.create('io.cozy.bills', { _id: 'a/b', vendor: 'acme', amount: 2 })
      const updated = await client.data.update('io.cozy.bills', { ...fixed, amount: 3 })
      await assert.rejects(client.data.update('io.cozy.bills', fixed), error => isStatus(error, 409))
      const [first, second] = await Promise.all(
        [1, 2].map(n => client.data.updateAttributes('io.cozy.bills', 'a/b', { [`by${n}`]: true })),
      )
      assert.notEqual(first!._rev, second!._rev)
      const merged = await client.data.get('io.cozy.bills', 'a/b')
      assert.deepEqual([merged.amount, merged.by1, merged.by2, merged.vendor], [updated.amount, true, true, 'acme'])
      const index = await client.data.defineIndex('io.cozy.bills', ['vendor'])
      const bulk = await client.data.bulk(
        'io.cozy.bills',
        Array.from({ length: 2500 }, (_, n) => ({ vendor: 'bulk', n })),
      )
      assert.ok(bulk.every(one => one.ok))
      const found = await client.data.findAll('io.cozy.bills', { selector: { vendor: 'bulk' }, use_index: index.id })
      assert.equal(new Set(found.map(doc => doc.n)).size, 2500)
      await client.data.delete('io.cozy.bills', merged)
      await assert.rejects(client.data.get('io.cozy.bills', 'a/b'), /not_found/)
      assert.equal((await client.data.all('io.cozy.bills')).length, 2501)
    } finally {
      await close()
    }
  })

  test(`files, through ${name}`, async () => {
    using dir = temporaryDirectory()
    const { stack } = open(dir.path)
    const { client, close } = await enter(stack)
    try {
      const root = await client.files.statById(ROOT_DIR_ID)
      assert.equal(root.attributes.path, '/')
      const folder = await client.files.ensureDirectory('/Administrative/Acmé/me_x')
      assert.equal((await client.files.ensureDirectory('/Administrative/Acmé/me_x'))._id, folder._id)
      const bodies = {
        text: 'hello',
        buffer: Buffer.from('hello'),
        stream: Readable.from([Buffer.from('hel'), Buffer.from('lo')]),
        blob: new Blob(['hello']),
      }
      for (const [kind, body] of Object.entries(bodies)) {
        const file = await client.files.create(body, {
          name: `${kind}.pdf`,
          dirId: folder._id,
          contentType: 'application/pdf',
          metadata: { fileIdAttributes: kind },
          createdAt: new Date('2020-01-02T03:04:05.678Z'),
          sourceAccount: 'acc',
          sourceAccountIdentifier: 'me@x.net',
        })
        assert.deepEqual(
          [file.size, file.mime, file.attributes.created_at],
          ['5', 'application/pdf', '2020-01-02T03:04:05.678Z'],
        )
        assert.equal(file.cozyMetadata?.sourceAccountIdentifier, 'me@x.net')
      }
      const pooled = Buffer.from('a small buffer of a shared pool').subarray(2, 7)
      const small = await client.files.create(pooled, { name: 'small', dirId: folder._id })
      assert.equal(await (await client.files.download(small._id)).text(), 'small')
      const empty = await client.files.create('', { name: 'empty', dirId: folder._id })
      assert.equal(empty.size, '0')
      assert.equal(await (await client.files.download(empty._id)).text(), '')

      const [found] = await client.files.findAll({
        selector: { metadata: { fileIdAttributes: 'text' }, trashed: false },
      })
      assert.equal(found?.path, '/Administrative/Acmé/me_x/text.pdf')
      const replaced = await client.files.replace(found!._id, Readable.from([Buffer.from('hello again')]), {
        contentType: 'application/pdf',
        metadata: { k: 2 },
      })
      assert.deepEqual([replaced._id, replaced.size, replaced.metadata], [found!._id, '11', { k: 2 }])
      await client.files.addReferences(folder._id, [{ type: 'io.cozy.konnectors', id: 'io.cozy.konnectors/acme' }])
      const [referencing] = await client.files.referencing('io.cozy.konnectors', 'io.cozy.konnectors/acme')
      assert.equal(referencing?.attributes.path, folder.path)
      assert.equal((await client.files.updateAttributes(found!._id, { name: 'renamed.pdf' })).name, 'renamed.pdf')
      await client.files.trash(found!._id)
      await client.files.destroy(found!._id)
      await assert.rejects(client.files.statByPath('/Administrative/nope'), error => isStatus(error, 404))
      assert.deepEqual(readdirSync(`${dir.path}/Administrative/Acmé/me_x`).sort(), [
        'blob.pdf',
        'buffer.pdf',
        'empty',
        'small',
        'stream.pdf',
      ])
    } finally {
      await close()
    }
  })
}

test('requests given as a Request or a URL, and aborted ones', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const request = new Request('http://h/data/io.cozy.t/', { method: 'POST', body: '{"v":1}' })
  assert.equal((await stack.fetch(request)).status, 201)
  assert.equal((await stack.fetch(new URL('http://h/data/io.cozy.t/_all_docs'))).status, 200)
  await assert.rejects(stack.fetch('http://h/data/', { signal: AbortSignal.abort() }), { name: 'AbortError' })
})
