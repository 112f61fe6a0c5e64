import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { FILES, type FileRecord, VERSIONS, type VersionRecord } from '../../src/rooms/files/record.ts'
import { openWriteHouse } from './write-house.ts'

const KILLS = 6

test('killed at any instant: what was acknowledged is there and whole, nothing is half there', async () => {
  await using house = await openWriteHouse()
  const { alice, ground, database } = house
  const documents = ground.documents.of(alice)
  const directory = join(house.folder, 'blobs')
  /** MD5 by id as the last acknowledgement said. */
  const acknowledged = new Map<string, string>()

  for (let round = 0; round < KILLS; round++) {
    const worker: ChildProcess = spawn(
      process.execPath,
      [join(import.meta.dirname, 'write-killed-worker.ts'), database.url, directory, JSON.stringify(alice)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let lines = 0
    const ended = once(worker, 'close')
    createInterface({ input: worker.stdout! }).on('line', line => {
      const [id, md5] = line.split(' ') as [string, string]
      acknowledged.set(id, md5)
      // Another number each time, so that it dies at another point of its work.
      if (++lines === 20 + round * 7) worker.kill('SIGKILL')
    })
    await ended
    assert.ok(lines >= 20, 'it did work')
  }

  const named = new Set<string>()
  const md5Of = async (key: string) => {
    const hash = createHash('md5')
    let size = 0
    for await (const chunk of await ground.blobs.open(alice.id, key)) {
      hash.update(chunk)
      size += chunk.length
    }
    return { md5: hash.digest('base64'), size: String(size) }
  }
  for (const doctype of [FILES, VERSIONS]) {
    for (const { body, id } of await documents.list(doctype)) {
      const record = body as unknown as FileRecord | VersionRecord
      if (!record.internal_blob) continue
      named.add(record.internal_blob)
      assert.deepEqual(await md5Of(record.internal_blob), { md5: record.md5sum, size: record.size }, id)
    }
  }
  assert.ok(acknowledged.size > 50)
  for (const [id, md5] of acknowledged) {
    const document = await documents.get(FILES, id)
    if (md5 === 'destroyed') {
      assert.ok(document?.deleted, id)
      continue
    }
    // The kill may have come between a later commit and its acknowledgement.
    const versions = await house.versions(id)
    const contents = [document!.body.md5sum, ...versions.map(({ body }) => body.md5sum)]
    assert.ok(document!.deleted || contents.includes(md5), id)
  }
  const { rows } = await database.driver.query(
    `select coalesce(sum((doc ->> 'size')::bigint) filter (where doctype = '${FILES}'), 0)::text as files,
            coalesce(sum((doc ->> 'size')::bigint) filter (where doctype = '${VERSIONS}'), 0)::text as versions
       from docs where instance_id = $1 and not deleted and doctype in ('${FILES}', '${VERSIONS}')`,
    [alice.id],
  )
  assert.deepEqual(await house.usage(), { files: Number(rows[0].files), versions: Number(rows[0].versions) })

  const before = house.blobFiles().length
  const collected = await house.files.service.collectOrphans(alice, new Date(Date.now() + 1000))
  assert.equal(collected, before - named.size)
  assert.deepEqual(house.blobFiles(), [...named].sort())
})
