import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRooms } from './rooms.ts'

test('opens', async () => {
  await using rooms = await openRooms()
  const alice = await rooms.instance()
  const answer = await alice.request('/auth/register', {
    method: 'POST',
    body: { redirect_uris: ['http://localhost:3333/cb'], client_name: 'My tool', software_id: 'github.com/me/tool' },
  })
  console.log(answer.status, answer.text)
  assert.equal(answer.status, 201)
})
