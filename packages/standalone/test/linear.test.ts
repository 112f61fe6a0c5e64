import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ROOT_DIR_ID } from '@konnectory/client'
import { open, temporaryDirectory } from './support/stack.ts'

/** What saveFiles and saveBills ask for each entry, in microseconds of our own CPU: the disk's share differs from one to another. */
async function cost(count: number): Promise<number> {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const start = process.cpuUsage()
  for (let n = 0; n < count; n++) {
    const selector = { metadata: { fileIdAttributes: `k${n}` }, trashed: false, cozyMetadata: { createdByApp: 'acme' } }
    await client.files.find({ selector })
    await client.files.statByPath(`/${n}.pdf`).catch(() => undefined)
    await client.files.create('content', {
      name: `${n}.pdf`,
      dirId: ROOT_DIR_ID,
      metadata: { fileIdAttributes: `k${n}` },
    })
    await client.data.create('io.cozy.bills', { n, vendor: 'acme' })
  }
  await stack.flush()
  return process.cpuUsage(start).user
}

test('a thousand documents and files cost at most six times two hundred', { timeout: 60_000 }, async () => {
  await cost(200)
  const few = ((await cost(200)) + (await cost(200))) / 2
  const ratio = (await cost(1000)) / few
  assert.ok(ratio < 6, `${ratio.toFixed(1)} times`)
})
