/** Uploads and overwrites without end, on a database and a directory of the test's; the test kills it. Tells each file that is acknowledged. */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { createLocalBlobs } from '../../src/ground/blobs/index.ts'
import { createPool } from '../../src/ground/database/index.ts'
import { silentLog } from '../../src/ground/database/testing.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import type { Ground } from '../../src/ground/ground.ts'
import { createFiles, ROOT_ID, SERVER } from '../../src/rooms/files/index.ts'

const [url, directory, tenantJson] = process.argv.slice(2) as [string, string, string]
const tenant = JSON.parse(tenantJson)
const clock = { now: () => new Date() }
const database = createPool({ target: url, connections: 5, statementTimeout: 10_000, log: silentLog })
const ground = {
  config: { dataDirectory: directory },
  clock,
  log: silentLog,
  database,
  documents: createDocuments({ database, clock, publish: () => {} }),
  blobs: createLocalBlobs({ directory, clock }),
} as unknown as Ground
const instances = { byId: async () => tenant, list: async () => [tenant], onCreated: () => {} }
const { service } = createFiles(ground, { instances, data: { find: () => Promise.reject(new Error('no')) } })

async function work(worker: number): Promise<never> {
  for (let number = 0; ; number++) {
    const name = `w${worker}-${process.pid}-${number}`
    const file = await service.createFile(tenant, SERVER, ROOT_ID, {
      name,
      stream: Readable.from([randomBytes(50_000)]),
    })
    process.stdout.write(`${file._id} ${file.md5sum}\n`)
    const stream = Readable.from([randomBytes(70_000)])
    const { md5sum } = await service.overwriteFile(tenant, SERVER, file._id, { stream })
    process.stdout.write(`${file._id} ${md5sum}\n`)
    if (number % 3 === 0)
      await service.patch(tenant, SERVER, tree => tree.child(ROOT_ID, name), { permanent_delete: true })
    if (number % 3 === 0) process.stdout.write(`${file._id} destroyed\n`)
  }
}
await Promise.all([work(1), work(2), work(3)])
