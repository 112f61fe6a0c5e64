import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Browser } from '../help/browser.ts'
import { startStack } from '../help/stack.ts'
import { published } from './published.ts'

const { default: CozyClient, Q } = published('cozy-client')
const { createClientInteractive } = published('cozy-client/dist/cli')

const PASSPHRASE = 'a passphrase of Alice'
const BILLS = 'io.cozy.bills'

const stack = await startStack()
after(() => stack[Symbol.asyncDispose]())
await stack.setPassphrase(PASSPHRASE)

const oauth = () => ({
  redirectURI: 'http://localhost:3333/do_access',
  clientName: 'Collect',
  softwareID: 'github.com/konnectory/acceptance',
  clientKind: 'desktop',
})

/** What a person does in the browser that the client opens: signs in, reads, accepts. @returns where the browser is sent */
async function signInAndAccept(url: string): Promise<string> {
  const browser = new Browser()
  const login = await browser.open(url)
  assert.match(login.url, /\/auth\/login\?redirect=/)
  const consent = await browser.signIn(login, PASSPHRASE)
  assert.equal(consent.status, 200, consent.html)
  assert.match(consent.html, /Collect/)
  return (await browser.submit(consent)).url
}

interface Authorised {
  // biome-ignore lint/suspicious/noExplicitAny: a client as npm has it
  client: any
  token: { accessToken: string; refreshToken: string; scope: string; tokenType: string }
  infos: { clientID: string; clientSecret: string; registrationAccessToken: string }
}

async function authorised(scope: string[], options: object = {}): Promise<Authorised> {
  const client = new CozyClient({ uri: stack.url, oauth: oauth(), scope, ...options })
  const { token, infos } = await client.startOAuthFlow(signInAndAccept)
  return { client, token, infos }
}

test('registers, is let in by the person, and works with what it was given', async () => {
  const { client, token, infos } = await authorised([BILLS])
  assert.match(infos.clientID, /^\w{16,}$/)
  assert.ok(infos.clientSecret && infos.registrationAccessToken)
  assert.deepEqual([token.tokenType, token.scope], ['bearer', BILLS])
  assert.ok(token.accessToken && token.refreshToken)

  const { data } = await client.create(BILLS, { vendor: 'acme', amount: 12.5 })
  assert.equal((await client.query(Q(BILLS).getById(data._id))).data.amount, 12.5)
  await assert.rejects(client.create('io.cozy.contacts', { name: 'Bob' }), { status: 403 })
})

test('proves with PKCE that the code is its own', async () => {
  const codeVerifier = randomBytes(32).toString('base64url')
  const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url')
  const client = new CozyClient({ uri: stack.url, oauth: oauth(), scope: [BILLS] })
  await client.getStackClient().register()
  await assert.rejects(
    client.authorize({ openURLCallback: signInAndAccept, pkceCodes: { codeVerifier: 'another', codeChallenge } }),
    /invalid code_verifier/,
  )
  const { token } = await client.authorize({
    openURLCallback: signInAndAccept,
    pkceCodes: { codeVerifier, codeChallenge },
  })
  assert.ok(token.accessToken)
})

test('a code works once, and only for the client it was made for', async () => {
  const client = new CozyClient({ uri: stack.url, oauth: oauth(), scope: [BILLS] })
  const stackClient = client.getStackClient()
  await stackClient.register()
  let code = ''
  await client.authorize({
    async openURLCallback(url: string) {
      const redirected = await signInAndAccept(url)
      code = new URL(redirected).searchParams.get('access_code') ?? ''
      return redirected
    },
  })
  await assert.rejects(stackClient.fetchAccessToken(code), /invalid code/)

  const other = new CozyClient({ uri: stack.url, oauth: oauth(), scope: [BILLS] }).getStackClient()
  await other.register()
  const url = stackClient.getAuthCodeURL({ stateCode: 'abc', scopes: [BILLS] })
  const fresh = new URL(await signInAndAccept(url)).searchParams.get('code')
  await assert.rejects(other.fetchAccessToken(fresh), /invalid code/)
})

test('an expired access token is refreshed without anybody noticing', async () => {
  const refreshed: string[] = []
  const { client, token, infos } = await authorised([BILLS])
  client.getStackClient().onTokenRefresh = (fresh: Authorised['token']) => refreshed.push(fresh.accessToken)
  const expired = await stack.tokenOf({ Audience: 'access', Subject: infos.clientID, Scope: BILLS, Expire: '1ms' })
  client.getStackClient().setToken({ ...token, accessToken: expired })

  const { data } = await client.create(BILLS, { vendor: 'refreshed' })
  assert.equal(data.vendor, 'refreshed')
  assert.equal(refreshed.length, 1)
  assert.notEqual(refreshed[0], expired)
  assert.equal(client.getStackClient().token.refreshToken, token.refreshToken, 'the client keeps its refresh token')
})

test('many requests with one expired token refresh it once', async () => {
  const { client, token, infos } = await authorised([BILLS])
  const expired = await stack.tokenOf({ Audience: 'access', Subject: infos.clientID, Scope: BILLS, Expire: '1ms' })
  client.getStackClient().setToken({ ...token, accessToken: expired })
  let refreshed = 0
  client.getStackClient().onTokenRefresh = () => refreshed++
  const made = await Promise.all(Array.from({ length: 8 }, (_, n) => client.create(BILLS, { n })))
  assert.equal(new Set(made.map(({ data }) => data._id)).size, 8)
  assert.equal(refreshed, 1)
})

test('reads, changes and withdraws its registration', async () => {
  const { client, infos } = await authorised([BILLS])
  const stackClient = client.getStackClient()
  const known = await stackClient.fetchInformation()
  assert.deepEqual([known.client_id, known.software_id], [infos.clientID, oauth().softwareID])

  const renamed = await stackClient.updateInformation({ clientName: 'Collect at home' })
  assert.equal(renamed.clientName, 'Collect at home')
  assert.equal(renamed.clientSecret, infos.clientSecret)
  const { clientSecret } = await stackClient.updateInformation({ softwareVersion: '2.0.0' }, true)
  assert.notEqual(clientSecret, infos.clientSecret)
  const { accessToken } = await stackClient.refreshToken()
  assert.ok(accessToken)

  await stackClient.unregister()
  await assert.rejects(client.create(BILLS, { n: 1 }), { status: 400 })
})

test('notices that the person has revoked it', async () => {
  const { client, infos } = await authorised([BILLS])
  const revoked: boolean[] = []
  client.on('revoked', () => revoked.push(true))
  const administrator = new CozyClient({ uri: stack.url, token: await stack.token('io.cozy.oauth.clients') })
  const clients = administrator.getStackClient().collection('io.cozy.oauth.clients')
  const listed = (await clients.all()).data.find(({ id }: { id: string }) => id === infos.clientID)
  assert.ok(listed)
  assert.equal(JSON.stringify(listed).includes(infos.clientSecret), false)
  await clients.destroy(listed)

  await assert.rejects(client.create(BILLS, { n: 1 }), { status: 400 })
  assert.deepEqual(revoked.slice(0, 1), [true])
})

test('the wrong passphrase lets nobody in', async () => {
  const client = new CozyClient({ uri: stack.url, oauth: oauth(), scope: [BILLS] })
  await client.getStackClient().register()
  const browser = new Browser()
  const login = await browser.open(client.getStackClient().getAuthCodeURL({ stateCode: 'abc', scopes: [BILLS] }))
  const again = await browser.signIn(login, 'a guess')
  assert.equal(again.status, 401)
  assert.match(again.html, /data-salt/)
})

test('fromEnv: the token of a konnector, or what a registration left', async () => {
  const token = await stack.token(BILLS)
  const raw = CozyClient.fromEnv({ COZY_URL: `${stack.url}/`, COZY_CREDENTIALS: token })
  const { data } = await raw.create(BILLS, { vendor: 'fromEnv' })

  const { token: given, infos } = await authorised([BILLS])
  const expired = await stack.tokenOf({ Audience: 'access', Subject: infos.clientID, Scope: BILLS, Expire: '1ms' })
  const kept = JSON.stringify({ ...infos, token: { ...given, accessToken: expired } })
  const registered = CozyClient.fromEnv({ COZY_URL: stack.url, COZY_CREDENTIALS: kept })
  assert.equal((await registered.query(Q(BILLS).getById(data._id))).data.vendor, 'fromEnv')
})

test('a command asks in the browser once, and finds what it was given the next time', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-credentials-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  let asked = 0
  const start = () =>
    createClientInteractive(
      { uri: stack.url, scope: [BILLS], oauth: { softwareID: 'konnectory-acceptance', clientName: 'Collect' } },
      {
        port,
        shouldOpenAuthenticationPage: false,
        getSavedCredentials: () => join(folder, 'credentials.json'),
        async onListen({ authenticationURL }: { authenticationURL: string }) {
          asked++
          const answer = await fetch(await signInAndAccept(authenticationURL))
          assert.match(await answer.text(), /Authentication successful/)
        },
      },
    )
  const first = await start()
  const { data } = await first.create(BILLS, { vendor: 'interactive' })
  const second = await start()
  assert.equal((await second.query(Q(BILLS).getById(data._id))).data.vendor, 'interactive')
  assert.equal(asked, 1)
})

test('a token that is none is refused in words that clients know', async () => {
  const client = new CozyClient({ uri: stack.url, token: 'not-a-token' })
  await assert.rejects(client.create(BILLS, {}), {
    status: 400,
    reason: { error: 'code=400, message=Invalid JWT token' },
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
