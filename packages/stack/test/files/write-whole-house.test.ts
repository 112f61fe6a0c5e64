import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestHouse } from '../help/house.ts'

test('in the whole house: first folders, upload, quota, trash, destruction of the instance', async () => {
  await using house = await startTestHouse()
  const { request, rooms, ground, instance } = house
  const root = (await request('/files/io.cozy.files.root-dir')).json
  assert.deepEqual(
    root.included.map((child: { attributes: { name: string } }) => child.attributes.name),
    ['Administrative', 'Photos'],
  )
  const [folder] = root.included
  const upload = (name: string, bytes: number) =>
    request(`/files/${folder.id}?Type=file&Name=${name}`, { method: 'POST', body: Buffer.alloc(bytes) })
  const made = (await upload('a.pdf', 100)).json.data
  assert.equal(made.attributes.class, 'pdf')
  await rooms.instances.update(instance, { quotaBytes: 150 })
  assert.equal((await upload('b.pdf', 51)).status, 413)
  assert.equal((await upload('b.pdf', 50)).status, 201)
  // Read-only through the other door.
  const forged = await request('/data/io.cozy.files/', { method: 'POST', body: { type: 'file', name: 'forged' } })
  assert.equal(forged.status, 403)
  const other = await house.another('other.example')
  const foreign = await request(`/files/${made.id}`, { method: 'DELETE', host: other.domain })
  assert.ok(foreign.status >= 400 && foreign.status < 500)
  const thrown = await request(`/files/${made.id}`, { method: 'DELETE' })
  assert.equal(thrown.json.data.attributes.trashed, true)
  await rooms.files.housekeeping({ trashDays: 0 })

  await rooms.instances.destroy(instance)
  for (const table of ['docs', 'files_usage', 'files_metadata_shelf']) {
    const { rows } = await ground.database.driver.query(`select count(*) from ${table} where instance_id = $1`, [
      instance.id,
    ])
    assert.equal(rows[0].count, '0', table)
  }
  const left = []
  for await (const key of ground.blobs.list(instance.id, { olderThan: new Date(Date.now() + 1e6) })) left.push(key)
  assert.deepEqual(left, [])
})
