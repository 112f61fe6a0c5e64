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

  for (const refusal of [401, 400]) {
    test(`of development are renewed when the stack refuses them (${refusal}), once for several requests`, async () => {
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
          // As a stack says that an OAuth token has aged (protocol/auth.md).
          if (!isNew) response.setHeader('www-authenticate', 'Bearer error="invalid_token"')
          response.writeHead(isNew ? 200 : refusal).end('{"_id":"1"}')
        },
      })
      const hidden: string[] = []
      const hide = (secret: string) => void hidden.push(secret)
      const token = tokenSource(oauth({ accessToken: 'old', refreshToken: 'again' }), `${stack.url}/`, { hide })
      const client = createClient({ url: stack.url, token })
      const read = () => client.data.get('io.cozy.bills', '1')
      assert.deepEqual(await Promise.all([read(), read()]), [{ _id: '1' }, { _id: '1' }])
      await read()
      assert.equal(stack.requests.filter(({ path }) => path === '/auth/access_token').length, 1)
      assert.equal(stack.requests.length, 6)
      assert.deepEqual(hidden, ['old', 'again', 'secret', 'new'])
    })
  }

  test('with the names of the wire are understood too; without a refresh token they are a token', () => {
    const credentials = { client: { client_id: 'id', client_secret: 's' }, token: { access_token: 'a' } }
    assert.equal(tokenSource(JSON.stringify(credentials), 'https://x/'), 'a')
  })

  test('that the stack will not renew say what to do', async () => {
    await using stack = await startVendor({
      '/auth/access_token': (_, response) => response.writeHead(400).end('{"error":"invalid refresh token"}'),
    })
    const token = tokenSource(oauth({ accessToken: 'old', refreshToken: 'no' }), stack.url)
    await assert.rejects(async () => typeof token === 'function' && token(true), {
      message: /refused to refresh the token \(invalid refresh token\)\. Delete \.token\.json/,
    })
  })

  test('without a token are refused with what to do', () => {
    assert.throws(() => tokenSource(oauth({}), 'https://x/'), /register again/)
    assert.throws(() => tokenSource('{broken', 'https://x/'), /looks like JSON but is not/)
  })
})
