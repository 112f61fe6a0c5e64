import assert from 'node:assert/strict'
import { it } from 'node:test'
import { startRooms } from './help.ts'

it('x', async () => {
  await using rooms = await startRooms()
  const t = await rooms.app('home', { f: { type: 'io.cozy.files' } })
  const a = await rooms.request('/permissions/self', t)
  console.log(a.status, a.text)
  assert.equal(a.status, 200)
})
