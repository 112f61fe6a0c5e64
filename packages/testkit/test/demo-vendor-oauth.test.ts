import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { CLIENT_ID, CLIENT_SECRET, startDemoVendor, type TokenSet } from '@konnectory/testkit/demo-vendor'
import { ADA, type Browser, createBrowser } from './browser.ts'

const REDIRECT = 'http://ada.localhost:8080/accounts/demo-api/redirect'
const authorizePath = (more: Record<string, string> = {}) =>
  `/oauth/authorize?${new URLSearchParams({ response_type: 'code', client_id: CLIENT_ID, redirect_uri: REDIRECT, state: 's1', scope: 'invoices profile', ...more })}`

function post(url: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
  return fetch(url, { method: 'POST', body: new URLSearchParams(fields), headers })
}
const client = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET }

/** From the authorize page, through the login and the consent, to the place the browser is sent to. */
async function consent(browser: Browser, decision: string, more: Record<string, string> = {}): Promise<URL> {
  const login = await browser.open(authorizePath(more))
  const page = await browser.submit(login, '#login-form', { username: ADA[0], password: ADA[1] })
  assert.match(page.text, /id="consent-form"/)
  const end = await browser.submit(page, '#consent-form', { decision })
  return new URL(end.url)
}

test('the whole dance: login, consent, code, tokens, data, refresh, revocation', async () => {
  await using vendor = await startDemoVendor()
  const back = await consent(createBrowser(vendor.url), 'allow')
  assert.equal(back.origin + back.pathname, REDIRECT)
  assert.equal(back.searchParams.get('state'), 's1')
  const code = back.searchParams.get('code')!
  const exchange = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, ...client }
  const answer = await post(`${vendor.url}/oauth/token`, exchange)
  assert.equal(answer.status, 200)
  const tokens = (await answer.json()) as TokenSet
  assert.equal(tokens.token_type, 'bearer')
  assert.equal(tokens.expires_in, 3600)
  assert.equal(tokens.scope, 'invoices profile')

  const reused = await post(`${vendor.url}/oauth/token`, exchange)
  assert.equal(reused.status, 400)
  assert.equal(((await reused.json()) as { error: string }).error, 'invalid_grant')

  const me = await fetch(`${vendor.url}/api/v1/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } })
  assert.equal(((await me.json()) as { email: string }).email, ADA[0])

  const renew = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, ...client }
  const second = (await (await post(`${vendor.url}/oauth/token`, renew)).json()) as TokenSet
  assert.notEqual(second.refresh_token, tokens.refresh_token)
  assert.equal((await post(`${vendor.url}/oauth/token`, renew)).status, 400, 'a refresh token works once')

  const basic = { authorization: `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}` }
  await post(`${vendor.url}/oauth/revoke`, { token: second.access_token }, basic)
  const refused = await fetch(`${vendor.url}/api/v1/me`, {
    headers: { authorization: `Bearer ${second.access_token}` },
  })
  assert.equal(refused.status, 401)
  assert.match(refused.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
})

test('refusals of the authorize page: person says no, unknown client, foreign redirect, unknown scope', async () => {
  await using vendor = await startDemoVendor()
  const browser = createBrowser(vendor.url)
  const denied = await consent(browser, 'deny')
  assert.equal(denied.searchParams.get('error'), 'access_denied')
  assert.equal(denied.searchParams.get('code'), null)
  assert.equal((await browser.open(authorizePath({ client_id: 'other' }))).status, 400)
  assert.equal((await browser.open(authorizePath({ redirect_uri: 'https://evil.example/' }))).status, 400)
  assert.match((await browser.open(authorizePath({ scope: 'everything' }))).url, /error=invalid_scope/)
})

test('PKCE: the verifier must fit', async () => {
  await using vendor = await startDemoVendor()
  const challenge = createHash('sha256').update('the verifier').digest('base64url')
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  for (const [verifier, status] of [
    ['another', 400],
    ['the verifier', 200],
  ] as const) {
    const code = (await consent(createBrowser(vendor.url), 'allow', pkce)).searchParams.get('code')!
    const fields = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: verifier,
      ...client,
    }
    assert.equal((await post(`${vendor.url}/oauth/token`, fields)).status, status)
  }
})

test('wrong secret, wrong grant type', async () => {
  await using vendor = await startDemoVendor()
  const wrong = await post(`${vendor.url}/oauth/token`, {
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    client_secret: 'x',
  })
  assert.equal(wrong.status, 401)
  assert.equal(((await wrong.json()) as { error: string }).error, 'invalid_client')
  const odd = await post(`${vendor.url}/oauth/token`, { grant_type: 'password', ...client })
  assert.equal(((await odd.json()) as { error: string }).error, 'unsupported_grant_type')
})

interface ApiInvoice {
  id: string
  type: string
  amount_cents: number
  pdf_url: string
}

test('invoices by cursor, one PDF, an invoice that appears in between moves nothing', async () => {
  await using vendor = await startDemoVendor()
  const { access_token } = vendor.issueTokens(ADA[0])
  const headers = { authorization: `Bearer ${access_token}` }
  const seen: ApiInvoice[] = []
  let cursor: string | null = ''
  let requests = 0
  while (cursor !== null) {
    const url: string = `${vendor.url}/api/v1/invoices?limit=8${cursor && `&cursor=${cursor}`}`
    const page = (await (await fetch(url, { headers })).json()) as { data: ApiInvoice[]; next_cursor: string | null }
    seen.push(...page.data)
    cursor = page.next_cursor
    if (++requests === 1) vendor.addInvoice()
  }
  assert.equal(requests, 4)
  assert.equal(new Set(seen.map(({ id }) => id)).size, 29)
  assert.equal(seen.filter(({ type, amount_cents }) => type === 'credit_note' && amount_cents < 0).length, 1)
  const document = await fetch(seen[0]!.pdf_url, { headers })
  assert.equal(document.headers.get('content-type'), 'application/pdf')
  assert.match(await document.text(), /^%PDF/)
  assert.equal((await fetch(`${vendor.url}/api/v1/invoices?cursor=nonsense`, { headers })).status, 400)
  assert.equal((await fetch(seen[0]!.pdf_url)).status, 401)
  const contracts = (await (await fetch(`${vendor.url}/api/v1/contracts`, { headers })).json()) as { data: unknown[] }
  assert.equal(contracts.data.length, 3)
})

test('tokens end: with time, by withdrawal, by scope; they survive a restart', async () => {
  let now = new Date('2026-11-20T10:00:00Z')
  await using vendor = await startDemoVendor({ clock: () => now })
  const get = (path: string, token: string, url = vendor.url) =>
    fetch(url + path, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status)
  const { access_token } = vendor.issueTokens(ADA[0], { expiresIn: 60 })
  assert.equal(await get('/api/v1/me', access_token), 200)
  assert.equal(await get('/api/v1/me', `${access_token}x`), 401)
  await using restarted = await startDemoVendor({ clock: () => now })
  assert.equal(await get('/api/v1/me', access_token, restarted.url), 200)
  now = new Date(now.getTime() + 61_000)
  assert.equal(await get('/api/v1/me', access_token), 401)
  assert.equal(await get('/api/v1/invoices', vendor.issueTokens(ADA[0], { scope: 'profile' }).access_token), 403)

  const withdrawn = vendor.issueTokens(ADA[0])
  vendor.revokeTokens(ADA[0])
  assert.equal(await get('/api/v1/me', withdrawn.access_token), 401)
  const renew = { grant_type: 'refresh_token', refresh_token: withdrawn.refresh_token, ...client }
  assert.equal((await post(`${vendor.url}/oauth/token`, renew)).status, 400)
  assert.equal(await get('/api/v1/me', vendor.issueTokens(ADA[0]).access_token), 200)
})

test('too many API requests: 429 with the seconds to wait', async () => {
  let now = new Date('2026-11-20T10:00:00Z')
  await using vendor = await startDemoVendor({ clock: () => now, apiRateLimit: { requests: 2, seconds: 10 } })
  const headers = { authorization: `Bearer ${vendor.issueTokens(ADA[0]).access_token}` }
  const statuses: number[] = []
  for (let i = 0; i < 3; i++) statuses.push((await fetch(`${vendor.url}/api/v1/me`, { headers })).status)
  assert.deepEqual(statuses, [200, 200, 429])
  const limited = await fetch(`${vendor.url}/api/v1/me`, { headers })
  assert.equal(limited.headers.get('retry-after'), '10')
  now = new Date(now.getTime() + 10_000)
  assert.equal((await fetch(`${vendor.url}/api/v1/me`, { headers })).status, 200)
})
