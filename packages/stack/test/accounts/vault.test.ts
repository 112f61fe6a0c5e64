import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { silentLog } from '../../src/ground/database/testing.ts'
import type { Tenant } from '../../src/ground/tenant.ts'
import { hasPlainSecrets } from '../../src/rooms/accounts/secrets/members.ts'
import { createVault, type Owner, type Vault } from '../../src/rooms/accounts/secrets/vault.ts'
import { type Cellar, openCellar } from '../keyring/help.ts'

let cellar: Cellar
let vault: Vault
const tenant: Tenant = { id: randomUUID(), domain: 'alice.localhost', url: 'http://alice.localhost/', locale: 'en' }
const owner: Owner = { id: 'a1', type: 'acme' }
before(async () => {
  cellar = await openCellar()
  vault = createVault({ keyring: cellar.keyring(cellar.folder()), log: silentLog })
})
after(() => cellar[Symbol.asyncDispose]())

/** Mulberry32: a failing case can be run again by its number. */
function randomOf(seed: number) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const IN_AUTH = ['password', 'secret', 'dob', 'code', 'answer', 'access_token', 'refresh_token', 'appSecret', 'session']
const IN_OAUTH = ['access_token', 'refresh_token', 'id_token', 'client_secret', 'code', 'token']
const CLEAR = ['login', 'email', 'accountName', 'zip', 'credentials', 'x_encrypted', '__proto__', 'constructor', '']

/** An account document with a secret here and there, each of a text that stands nowhere else. */
function randomAccount(seed: number) {
  const random = randomOf(seed)
  const pick = <T>(list: T[]): T => list[Math.floor(random() * list.length)]!
  const secrets: string[] = []
  const marker = () => {
    const text = `S3CR3T-${seed}-${secrets.length}-${Math.floor(random() * 1e9).toString(36)}`
    secrets.push(text)
    return text
  }
  const odd = () =>
    pick<unknown>([0, -1.5, true, false, null, '', [], {}, 'é\u0000🗝️', '\ud800', [[1]], { password: 1 }])
  const secretValue = (): unknown => {
    const kind = random()
    if (kind < 0.5) return marker()
    if (kind < 0.65) return [{ cookie: marker() }, null]
    if (kind < 0.8) return { jar: { [`k${seed}`]: marker() } }
    return odd()
  }
  const members = (secretNames: string[]) => {
    const names = [...CLEAR.filter(() => random() < 0.3), ...secretNames.filter(() => random() < 0.35)]
    names.sort(() => random() - 0.5)
    return Object.fromEntries(names.map(name => [name, secretNames.includes(name) ? secretValue() : odd()]))
  }
  const auth = () => (random() < 0.1 ? odd() : members(IN_AUTH))
  const account: Record<string, unknown> = { account_type: 'acme', name: pick(['n', 'ü']), list: [1, { auth: 'x' }] }
  if (random() < 0.8) account.auth = auth()
  let level: Record<string, unknown> = account
  for (let depth = 0; random() < 0.5 && depth < 5; depth++) {
    const inner: Record<string, unknown> = { keep: odd(), ...(random() < 0.7 && { auth: auth() }) }
    level.data = inner
    level = inner
  }
  if (random() < 0.1) account.data = odd()
  if (random() < 0.5) {
    account.oauth =
      random() < 0.1
        ? odd()
        : { ...members(IN_OAUTH), ...(random() < 0.5 && { query: random() < 0.2 ? odd() : members(IN_OAUTH) }) }
  }
  if (random() < 0.3) account.oauth_callback_results = random() < 0.2 ? odd() : members(IN_OAUTH)
  // As it comes off the wire; a lone surrogate too.
  return { account: JSON.parse(JSON.stringify(account)) as Record<string, unknown>, secrets }
}

const CASES = 400

test('any account: no secret is left in what is stored, and the konnector gets back what was given', async () => {
  let planted = 0
  for (let seed = 1; seed <= CASES; seed++) {
    const { account, secrets } = randomAccount(seed)
    planted += secrets.length
    const given = structuredClone(account)
    const stored = await vault.seal(tenant, owner, account)
    const text = JSON.stringify(stored)
    for (const secret of secrets) assert.ok(!text.includes(secret), `seed ${seed}: ${secret} in ${text}`)
    assert.ok(!hasPlainSecrets(stored), `seed ${seed}`)
    assert.deepEqual(account, given, `seed ${seed}: what was given is not changed`)
    assert.deepEqual(await vault.open(tenant, owner, JSON.parse(text)), given, `seed ${seed}`)
  }
  assert.ok(planted > CASES, `${planted} secrets were planted`)
})

test('any account: UIs and konnectors write it in turn, and nothing is ever lost', async () => {
  for (let seed = 1; seed <= CASES / 2; seed++) {
    const random = randomOf(seed * 7919)
    const { account } = randomAccount(seed)
    let stored = await vault.seal(tenant, owner, account)
    let expected = structuredClone(account)
    for (let turn = 0; turn < 6; turn++) {
      const state = `turn ${turn}`
      if (random() < 0.5) {
        // A UI sends back what it sees, changed a little.
        stored = await vault.seal(tenant, owner, { ...structuredClone(stored), state })
      } else {
        // A konnector sends back what it sees, with another session perhaps.
        const open = await vault.open(tenant, owner, stored)
        assert.deepEqual(open, expected, `seed ${seed}, turn ${turn}`)
        const auth = open.auth
        if (random() < 0.5 && typeof auth === 'object' && auth !== null && !Array.isArray(auth)) {
          Object.assign(auth, { session: { turn } })
          expected = { ...expected, auth: structuredClone(auth) }
        }
        stored = await vault.seal(tenant, owner, { ...open, state })
      }
      expected = { ...expected, state }
    }
    assert.deepEqual(await vault.open(tenant, owner, stored), expected, `seed ${seed}`)
  }
})

test('sealed members open in their account, their type, their instance and their place only', async () => {
  const sealed = await vault.seal(tenant, owner, {
    auth: { login: 'me', password: 'p', session: [1] },
    oauth: { client_secret: 'c' },
  })
  const closed = async (what: Tenant, who: Owner, account: Record<string, unknown>) =>
    assert.deepEqual(await vault.open(what, who, account), account)
  await closed(tenant, { ...owner, id: 'a2' }, sealed)
  await closed(tenant, { ...owner, type: 'evil' }, sealed)
  await closed(tenant, { ...owner, type: undefined }, sealed)
  await closed({ ...tenant, id: randomUUID() }, owner, sealed)
  const { auth, oauth } = sealed as { auth: Record<string, string>; oauth: Record<string, string> }
  // Under a name that is not sealed again, it would come back in clear with the konnector's next update.
  await closed(tenant, owner, { auth: { client_secret_encrypted: oauth.client_secret_encrypted } })
  await closed(tenant, owner, { auth: { nickname_encrypted: auth.credentials_encrypted } })
  await closed(tenant, owner, { auth: { session_encrypted: auth.credentials_encrypted } })
  await closed(tenant, owner, {
    oauth: { credentials_encrypted: auth.credentials_encrypted, token_encrypted: oauth.client_secret_encrypted },
  })
})

test('whatever stands where a sealed text should: nothing breaks and nothing is lost', async () => {
  for (const value of [
    null,
    0,
    true,
    '',
    'hunter2',
    'bmFjbA==',
    [],
    {},
    'k1.aaaaaaaaaaaa.bbbb',
    `k1.${'a'.repeat(12)}.${'b'.repeat(60)}`,
  ]) {
    const account = {
      auth: { credentials_encrypted: value, session_encrypted: value },
      oauth: { access_token_encrypted: value },
    }
    const sealed = await vault.seal(tenant, owner, account)
    assert.deepEqual(sealed, account)
    assert.deepEqual(await vault.open(tenant, owner, sealed), account)
  }
})

test('the clear value wins over the sealed one, and the login in clear over the sealed one', async () => {
  const first = await vault.seal(tenant, owner, { auth: { login: 'old', password: 'one', session: 's1' } })
  const auth = first.auth as Record<string, unknown>
  const second = await vault.seal(tenant, owner, { auth: { ...auth, password: 'two', session: 's2' } })
  assert.deepEqual(Object.keys(second.auth as object), ['login', 'credentials_encrypted', 'session_encrypted'])
  assert.deepEqual(await vault.open(tenant, owner, second), { auth: { login: 'old', password: 'two', session: 's2' } })
  const renamed = await vault.open(tenant, owner, { auth: { ...auth, login: 'new' } })
  assert.deepEqual(renamed, { auth: { login: 'new', password: 'one', session: 's1' } })
  const { credentials_encrypted } = auth
  assert.deepEqual(await vault.open(tenant, owner, { auth: { credentials_encrypted } }), {
    auth: { login: 'old', password: 'one' },
  })
})

test('a chain of `data` as deep as a client cares to send', async () => {
  const secret = 'S3CR3T-deep'
  let account: Record<string, unknown> = { auth: { password: secret } }
  for (let depth = 0; depth < 20_000; depth++) account = { data: account }
  const sealed = await vault.seal(tenant, owner, account)
  assert.ok(hasPlainSecrets(account) && !hasPlainSecrets(sealed))
  let bottom: Record<string, unknown> = await vault.open(tenant, owner, sealed)
  while (bottom.data) bottom = bottom.data as Record<string, unknown>
  assert.deepEqual(bottom, { auth: { password: secret } })
})
