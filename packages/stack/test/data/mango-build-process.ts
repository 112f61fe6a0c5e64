// A process that defines an index and says so; the test kills it while it builds.
import { systemClock } from '../../src/ground/clock.ts'
import { createPool } from '../../src/ground/database/index.ts'
import { silentLog } from '../../src/ground/database/testing.ts'
import { createDocuments } from '../../src/ground/documents/index.ts'
import { createMango } from '../../src/rooms/data/mango/index.ts'

const [target = '', tenant = ''] = process.argv.slice(2)
const database = createPool({ target, connections: 4, statementTimeout: 10_000, log: silentLog })
const documents = createDocuments({ database, clock: systemClock, publish: () => {} })
const { designDocuments } = createMango({ database, documents, log: silentLog })
process.stdout.write('building\n')
await designDocuments.define(JSON.parse(tenant), 'io.cozy.bills', { index: { fields: ['a'] } })
// Answered, and still building.
setInterval(() => {}, 1000)
