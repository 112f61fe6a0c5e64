import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestHouse } from '../help/house.ts'
import { send } from '../help/request.ts'

const house = await startTestHouse()
after(() => house[Symbol.asyncDispose]())
const { instances, accounts } = house.rooms

test('one redirect_uri for all instances: the browser goes on to the one that began, and is there with its session', async () => {
  const bob = await house.another('bob.example')
  await accounts.types.put('shared', {
    grant_mode: 'authorization_code',
    client_id: 'c',
    auth_endpoint: 'https://vendor.example/authorize',
    redirect_uri: 'https://callback.example/accounts/shared/redirect',
  })
  const { setCookie } = await instances.sessions.open(bob)
  const headers = { cookie: setCookie.split(';')[0]! }
  const host = new URL(bob.url).host
  const started = await send(house.url, '/accounts/shared/start?state=own', { host, headers })
  const vendor = new URL(String(started.headers.location))
  assert.equal(vendor.searchParams.get('redirect_uri'), 'https://callback.example/accounts/shared/redirect')
  const state = vendor.searchParams.get('state')!

  const callback = (query: string, at = 'callback.example') =>
    send(house.url, `/accounts/shared/redirect?${query}`, { host: at })
  const back = await callback(`code=c0de&state=${state}`)
  assert.equal(back.status, 303)
  assert.equal(back.headers.location, `${bob.url}accounts/shared/redirect?code=c0de&state=${state}`)
  assert.equal(back.headers['cache-control'], 'no-store')

  const { pathname, search } = new URL(String(back.headers.location))
  const ended = await send(house.url, `${pathname}${search}`, { host, headers })
  assert.equal(ended.status, 303, ended.text)
  const app = new URL(String(ended.headers.location))
  assert.equal(app.searchParams.get('state'), 'own')
  assert.match(app.searchParams.get('account') ?? '', /^[0-9a-f]{32}$/)
})

test('a state that nobody has leads nowhere, and no other path is answered there', async () => {
  const at = (path: string) => send(house.url, path, { host: 'callback.example' })
  const paths = [
    '/accounts/shared/redirect',
    '/accounts/shared/redirect?state=made-up',
    '/accounts/%2e%2e/redirect?state=x',
    '/accounts/shared/start?state=x',
    '/settings/capabilities',
  ]
  for (const path of paths) assert.equal((await at(path)).status, 404, path)
})
