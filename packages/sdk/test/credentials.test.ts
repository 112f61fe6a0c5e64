import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createClient } from '@konnectory/client'
import { tokenSource } from '../src/credentials.ts'
import { startVendor } from './vendor-server.ts'

const oauth = (token: object) => JSON.stringify({ oauthOptions: { clientID: 'id', clientSecret: 'secret' }, token })

describe('credentials', () => {
  test('of a server are a token', () => {
    assert.equal(tokenSource('eyJh.x.y', 'https://x/'), 'eyJh.x.y')
  })

  test('of development are renewed when the stack refuses them', async () => {
    await using stack = await startVendor({
      '/auth/access_token': (_, response, body) => {
        const form = new URLSearchParams(body)
        assert.deepEqual(Object.fromEntries(form), {
          grant_type: 'refresh_token',
          refresh_token: 'again',
          client_id: 'id',
          client_secret: 'secret',
        })
        response.end('{"access_token":"new"}')
      },
      '/data/io.cozy.bills/1': (request, response) => {
        const isNew = request.headers.authorization === 'Bearer new'
        response.writeHead(isNew ? 200 : 401).end('{"_id":"1"}')
      },
    })
    const token = tokenSource(oauth({ accessToken: 'old', refreshToken: 'again' }), `${stack.url}/`)
    const client = createClient({ url: stack.url, token })
    assert.deepEqual(await client.data.get('io.cozy.bills', '1'), { _id: '1' })
    await client.data.get('io.cozy.bills', '1')
    assert.deepEqual(
      stack.requests.map(request => request.path),
      ['/data/io.cozy.bills/1', '/auth/access_token', '/data/io.cozy.bills/1', '/data/io.cozy.bills/1'],
    )
  })

  test('without a token are refused with what to do', () => {
    assert.throws(() => tokenSource(oauth({}), 'https://x/'), /register again/)
  })
})
