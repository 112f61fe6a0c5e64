import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tenant } from '../../src/ground/tenant.ts'
import { appUrl, isAppSlug } from '../../src/rooms/accounts/oauth/app-url.ts'
import { authorizeUrl } from '../../src/rooms/accounts/oauth/authorize-url.ts'
import { readTokenAnswer } from '../../src/rooms/accounts/oauth/token-answer.ts'
import { TokenEndpointError } from '../../src/rooms/accounts/oauth/token-endpoint.ts'
import { type AccountType, GRANT_MODES } from '../../src/rooms/accounts/types/account-type.ts'

const REDIRECT = 'https://alice.example.net/accounts/v/redirect'
const type = (definition: Partial<AccountType>): AccountType => ({
  id: 'v',
  grant_mode: 'authorization_code',
  auth_endpoint: 'https://vendor.test/authorize?tenant=7',
  client_id: 'cid',
  ...definition,
})
const parametersOf = (definition: Partial<AccountType>, query = {}, challenge?: string) => {
  const url = authorizeUrl(type(definition), { query, redirectUri: REDIRECT, state: 'st', challenge })
  return url && Object.fromEntries(new URL(url).searchParams)
}
const common = { tenant: '7', state: 'st', redirect_uri: REDIRECT }
const everything = {
  scope: 'a+b',
  token: 'tok',
  id_connector: '12',
  connector_uuids: 'u1,u2',
  id_connection: '34',
  source: 'src',
}

test('the authorize URL of every grant mode has the parameters of its row', () => {
  const rows: Record<(typeof GRANT_MODES)[number], object | undefined> = {
    authorization_code: { response_type: 'code', client_id: 'cid', scope: 'a+b' },
    'authorization_code+secret': { response_type: 'code', client_id: 'cid', scope: 'a+b' },
    token: { response_type: 'token', client_id: 'cid', scope: 'a+b' },
    token_redirect_url: { response_type: 'token', scope: 'a+b', redirect_url: REDIRECT },
    bi_webview: { client_id: 'cid', code: 'tok', connector_ids: '12', connector_uuids: 'u1,u2' },
    'bi_webview+secret': { client_id: 'cid', code: 'tok', connector_ids: '12', connector_uuids: 'u1,u2' },
    bi_webauth: { client_id: 'cid', token: 'tok', id_connector: '12', id_connection: '34', source: 'src' },
    'bi_webauth+secret': { client_id: 'cid', token: 'tok', id_connector: '12', id_connection: '34', source: 'src' },
    secret: undefined,
  }
  for (const grant_mode of GRANT_MODES) {
    const row = rows[grant_mode]
    const expected = row && { ...common, ...row }
    if (expected && grant_mode === 'token_redirect_url') delete (expected as Partial<typeof common>).redirect_uri
    assert.deepEqual(parametersOf({ grant_mode }, everything), expected, grant_mode)
  }
})

test('what the client did not say is left out', () => {
  assert.deepEqual(parametersOf({}), { ...common, response_type: 'code', client_id: 'cid' })
  assert.deepEqual(parametersOf({ grant_mode: 'bi_webview' }), { ...common, client_id: 'cid' })
  assert.equal(parametersOf({ auth_endpoint: undefined }), undefined)
})

test('redirect_uri left out by the option; extras appended, without taking over the flow; PKCE', () => {
  const { redirect_uri, ...without } = { ...common, response_type: 'code', client_id: 'cid' }
  assert.deepEqual(parametersOf({ skip_redirect_uri_on_authorize: true }), without)
  const extras = { access_type: 'offline', state: 'fixed', redirect_uri: 'https://evil.test', client_id: 'other' }
  assert.deepEqual(parametersOf({ extras }), {
    ...common,
    response_type: 'code',
    client_id: 'cid',
    access_type: 'offline',
  })
  const { code_challenge, code_challenge_method } = parametersOf({ pkce: true }, {}, 'chal') as Record<string, string>
  assert.deepEqual([code_challenge, code_challenge_method], ['chal', 'S256'])
})

test('a token answer: known members in oauth, the others beside it', () => {
  const now = new Date('2026-01-01T00:00:00Z')
  const answer = {
    access_token: 'a',
    token_type: 'bearer',
    refresh_token: 'r',
    expires_in: 3600,
    scope: 's',
    user: { id: 1 },
  }
  assert.deepEqual(readTokenAnswer(answer, now), {
    oauth: { access_token: 'a', token_type: 'bearer', refresh_token: 'r', expires_at: '2026-01-01T01:00:00.000Z' },
    oauth_callback_results: { scope: 's', user: { id: 1 } },
  })
  assert.deepEqual(readTokenAnswer({ id_token: 'i' }, now), { oauth: { access_token: 'i' } })
  assert.deepEqual(readTokenAnswer({ access_token: 'a', id_token: 'i' }, now).oauth_callback_results, { id_token: 'i' })
  assert.equal(
    readTokenAnswer({ access_token: 'a', expires_in: '60' }, now).oauth.expires_at,
    '2026-01-01T00:01:00.000Z',
  )
  for (const expires_in of [null, '', 'soon', [], {}, true, -5, 1e300, Number.NaN]) {
    assert.deepEqual(readTokenAnswer({ access_token: 'a', expires_in }, now), { oauth: { access_token: 'a' } })
  }
  for (const access_token of [undefined, null, '', 7, [], { a: 1 }]) {
    assert.throws(() => readTokenAnswer({ access_token }, now), TokenEndpointError)
  }
  assert.deepEqual(readTokenAnswer({ access_token: 'a', refresh_token: 3, token_type: null }, now), {
    oauth: { access_token: 'a' },
  })
})

test('the app a browser comes back to', () => {
  const at = (url: string) => ({ url }) as Tenant
  const alice = at('https://alice.example.net:8443/')
  assert.equal(
    appUrl(alice, undefined, 'nested', { account: 'a b', state: '', error: null }),
    'https://home.alice.example.net:8443/?account=a+b',
  )
  assert.equal(appUrl(alice, 'drive', 'flat', {}), 'https://alice-drive.example.net:8443/')
  assert.equal(
    appUrl(at('http://127.0.0.1:8080/'), 'drive', 'nested', { state: 's' }),
    'http://127.0.0.1:8080/?state=s',
  )
  for (const slug of ['home', 'a', 'my-app2']) assert.ok(isAppSlug(slug), slug)
  for (const slug of ['', 'a.b', 'evil.test/', 'A', '-a', 'a-', 'a@b', 'a'.repeat(64), 'é', 'a\n'])
    assert.ok(!isAppSlug(slug), slug)
})
