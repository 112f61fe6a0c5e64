/** The database goes away and comes back: the houses go on, and nothing is missed. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { packagedBinaries } from '../../src/ground/database/binaries.ts'
import { startPostgres } from '../../src/ground/database/launcher.ts'
import { silentLog } from '../../src/ground/database/testing.ts'
import { remove, testFolder } from '../help/start-server.ts'
import { openHouses } from './news-houses.ts'

const BILLS = 'io.cozy.bills'
const folder = testFolder('news-restart')
after(() => remove(folder))

const start = () =>
  startPostgres({
    dataDirectory: folder,
    binaries: packagedBinaries(),
    connections: 60,
    volatile: true,
    log: silentLog,
  })

test('a restart of the database', { timeout: 60_000 }, async t => {
  let server = await start()
  t.after(() => server.stop())
  const houses = await openHouses(server.connection)
  t.after(() => houses[Symbol.asyncDispose]())
  const { one, two } = houses
  const alice = await houses.person()
  const client = await two.listen(alice, BILLS)
  const documents = one.house.ground.documents.of(alice)
  await documents.create(BILLS, { n: 1 })
  assert.equal((await client.next()).payload.doc.n, 1)

  const again = [one.missed(), two.missed()]
  await server.stop()
  await assert.rejects(documents.create(BILLS, { n: 0 }))
  server = await start()
  await Promise.all(again)
  for (let n = 2; n <= 5; n++) await documents.create(BILLS, { n })
  const heard = await client.take(4)
  assert.deepEqual(
    heard.map(({ payload }) => payload.doc.n),
    [2, 3, 4, 5],
  )
  assert.deepEqual(await client.settled(), [])
  client.socket.close()
})
