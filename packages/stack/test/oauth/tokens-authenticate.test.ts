import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Actor } from '../../src/ground/http/grant.ts'
import type { Audience } from '../../src/rooms/oauth/tokens.ts'
import { sourceIdOf } from '../../src/rooms/permissions/index.ts'
import { startRooms } from '../permissions/help.ts'

const rooms = await startRooms()
after(() => rooms[Symbol.asyncDispose]())
const { instance, instances, permissions, authenticate, clock, ground } = rooms
const documents = ground.documents.of(instance)
const CLIENTS = 'io.cozy.oauth.clients'
const MINUTE = 60_000

const INVALID = {
  status: 400,
  message: 'Invalid JWT token',
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
}
const EXPIRED = {
  status: 400,
  message: 'Expired token',
  headers: { 'www-authenticate': 'Bearer error="invalid_token" error_description="The access token expired"' },
}
const FILES = { files: { type: 'io.cozy.files', verbs: ['GET'] } }
const without = ({ grant, ...actor }: Actor) => actor

describe('errors on the wire', () => {
  it('401 without a token', async () => {
    const { status, json } = await rooms.request('/permissions/self')
    assert.equal(status, 401)
    assert.deepEqual(json, { error: 'No token in request' })
  })

  it('400 with the texts and headers clients know', async () => {
    const invalid = await rooms.request('/permissions/self', 'x.y.z')
    assert.deepEqual(
      [invalid.status, invalid.json, invalid.headers['www-authenticate']],
      [400, { error: 'Invalid JWT token' }, 'Bearer error="invalid_token"'],
    )
    const token = await rooms.cli('io.cozy.files')
    clock.forward(30 * MINUTE)
    const expired = await rooms.request('/permissions/self', token)
    assert.deepEqual(
      [expired.status, expired.json, expired.headers['www-authenticate']],
      [400, { error: 'Expired token' }, 'Bearer error="invalid_token" error_description="The access token expired"'],
    )
  })

  it('takes the token from wherever it may stand', async () => {
    const token = await rooms.cli('io.cozy.files')
    const basic = { authorization: `Basic ${Buffer.from(`me:${token}`).toString('base64')}` }
    assert.equal((await rooms.request('/permissions/self', undefined, { headers: basic })).status, 200)
    assert.equal((await rooms.request(`/permissions/self?bearer_token=${token}`)).status, 200)
  })
})

describe('apps and konnectors', () => {
  it('are known by their documents', async () => {
    await documents.create('io.cozy.konnectors', { slug: 'acme', version: '1.2.3' }, 'io.cozy.konnectors/acme')
    const app = await rooms.app('drive', FILES)
    const konnector = await rooms.konnector('acme', FILES)
    assert.deepEqual(without(await authenticate(instance, app)), {
      kind: 'app',
      subject: 'drive',
      slug: 'drive',
      sessionId: undefined,
      permissionId: 'io.cozy.apps/drive',
    })
    const actor = await authenticate(instance, konnector)
    assert.deepEqual(without(actor), {
      kind: 'konnector',
      subject: 'acme',
      slug: 'acme',
      version: '1.2.3',
      permissionId: 'io.cozy.konnectors/acme',
    })
    assert.equal(actor.grant.allowsWholeType('GET', 'io.cozy.files'), true)
    assert.equal(actor.grant.allowsWholeType('POST', 'io.cozy.files'), false)
  })

  it('are nobody without', async () => {
    for (const audience of ['app', 'konn'] as const) {
      const token = await rooms.mint({ audience, subject: 'nobody' })
      await assert.rejects(authenticate(instance, token), INVALID)
    }
    // A konnector is no app of the same name.
    await rooms.konnector('both', FILES)
    await assert.rejects(authenticate(instance, await rooms.mint({ audience: 'app', subject: 'both' })), INVALID)
  })

  it('a token of an app with a session needs the cookie of that session', async () => {
    await rooms.app('home', FILES)
    const open = async () => {
      const { session, setCookie } = await instances.sessions.open(instance)
      return { id: session.id, cookie: setCookie.split(';', 1)[0]! }
    }
    const [mine, other] = [await open(), await open()]
    const token = await rooms.mint({ audience: 'app', subject: 'home', sessionId: mine.id })
    for (let again = 0; again < 2; again++) {
      assert.equal((await authenticate(instance, token, mine.cookie)).sessionId, mine.id)
      await assert.rejects(authenticate(instance, token), INVALID)
      await assert.rejects(authenticate(instance, token, other.cookie), INVALID)
      await assert.rejects(authenticate(instance, token, mine.cookie.replace('=', '=AAAA')), INVALID)
    }
    // It lives for a day, where one without a session lives for half an hour.
    const service = await rooms.mint({ audience: 'app', subject: 'home' })
    clock.forward(31 * MINUTE)
    assert.equal((await authenticate(instance, token, mine.cookie)).subject, 'home')
    await assert.rejects(authenticate(instance, service), EXPIRED)

    await instances.sessions.close(instance, mine.id)
    await assert.rejects(authenticate(instance, token, mine.cookie), INVALID)
  })
})

describe('OAuth clients', () => {
  it('are known by their documents, and have what their scope says', async () => {
    const token = await rooms.client('c1', 'io.cozy.files:GET')
    const actor = await authenticate(instance, token)
    assert.deepEqual(without(actor), {
      kind: 'oauth',
      subject: 'c1',
      slug: undefined,
      client: { id: 'c1', kind: 'desktop', name: 'c1' },
    })
    assert.equal(actor.grant.allowsWholeType('GET', 'io.cozy.files'), true)
    assert.equal(actor.grant.allowsWholeType('PUT', 'io.cozy.files'), false)
  })

  it('are nobody when they are gone', async () => {
    const token = await rooms.client('c2', 'io.cozy.files')
    assert.equal((await authenticate(instance, token)).subject, 'c2')
    const { rev } = (await documents.get(CLIENTS, 'c2'))!
    await documents.remove(CLIENTS, 'c2', rev)
    await assert.rejects(authenticate(instance, token), INVALID)
    await assert.rejects(
      authenticate(instance, await rooms.mint({ audience: 'access', subject: 'never', scope: 'io.cozy.files' })),
      INVALID,
    )
  })

  it('have everything only as flagship', async () => {
    const MALFORMED = { status: 400, message: 'Permission scope is empty or malformed' }
    const plain = await rooms.client('c3', '*')
    await assert.rejects(authenticate(instance, plain), MALFORMED)
    for (const flagship of ['true', 1, null]) {
      const pretender = await rooms.client(`p${flagship}`, '*', { flagship })
      await assert.rejects(authenticate(instance, pretender), MALFORMED)
    }
    const token = await rooms.client('c4', '*', { flagship: true })
    assert.equal((await authenticate(instance, token)).grant.maximal, true)
    // Neither an administrator nor anybody else gets it by writing a star.
    await assert.rejects(rooms.cli('*'), MALFORMED)
    await assert.rejects(rooms.cli(''), MALFORMED)
  })

  it('of an app have what its manifest says', async () => {
    await permissions.create(instance, { type: 'app', slug: 'notes' }, { notes: { type: 'io.cozy.notes' } })
    const token = await rooms.client('c5', '@io.cozy.apps/notes', { software_id: 'registry://notes' })
    const actor = await authenticate(instance, token)
    assert.equal(actor.kind, 'oauth')
    assert.equal(actor.slug, 'notes')
    assert.equal(actor.permissionId, 'io.cozy.apps/notes')
    assert.equal(actor.grant.allowsWholeType('GET', 'io.cozy.notes'), true)
    // A client of something else has no part in it; nor has one whose app is gone.
    const stranger = await rooms.client('c6', '@io.cozy.apps/notes', { software_id: 'registry://drive' })
    await assert.rejects(authenticate(instance, stranger), INVALID)
    await permissions.remove(instance, { type: 'app', slug: 'notes' })
    await assert.rejects(authenticate(instance, token), INVALID)
  })

  it('with the scope login have no rights at all', async () => {
    const { grant } = await authenticate(instance, await rooms.client('c7', 'login'))
    assert.equal(grant.allowsWholeType('GET', 'login'), false)
    assert.equal(grant.allowsWholeType('GET', 'io.cozy.files'), false)
  })

  it('do not enter with tokens for something else', async () => {
    await rooms.client('c8', 'io.cozy.files')
    for (const audience of ['refresh', 'registration'] as const) {
      const token = await rooms.mint({
        audience,
        subject: 'c8',
        ...(audience === 'refresh' && { scope: 'io.cozy.files' }),
      })
      await assert.rejects(authenticate(instance, token), INVALID)
    }
  })
})

describe('runs of konnectors', () => {
  const begin = async (accountId?: string) => {
    await rooms.konnector('acme', FILES)
    const run = await permissions.runs.begin(instance, { slug: 'acme', accountId })
    return { run, token: await rooms.mint({ audience: 'konn', subject: 'acme', run, account: accountId }) }
  }

  it('have a token for one account', async () => {
    const { token } = await begin('account1')
    const actor = await authenticate(instance, token)
    assert.equal(actor.kind, 'konnector')
    assert.equal(actor.accountId, 'account1')
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
    assert.deepEqual(claims.aud, ['konn'])
    assert.equal(claims.sub, 'acme')
    assert.equal(claims.account, 'account1')
  })

  it('whose token dies with them, at once, though it was used a moment ago', async () => {
    const [one, two] = [await begin('account1'), await begin('account1')]
    assert.equal((await authenticate(instance, one.token)).accountId, 'account1')
    await permissions.runs.end(instance, one.run)
    await assert.rejects(authenticate(instance, one.token), INVALID)
    assert.equal((await authenticate(instance, two.token)).accountId, 'account1', 'another run goes on')
    await permissions.runs.end(instance, one.run)
    await permissions.runs.end(instance, 'never was')
    const { status } = await rooms.request('/permissions/self', one.token)
    assert.equal(status, 400)
  })

  it('whose token names them, and is good for nothing else', async () => {
    const { run } = await begin('account1')
    await rooms.konnector('other', FILES)
    for (const wrong of [
      { subject: 'other', run, account: 'account1' },
      { subject: 'acme', run, account: 'account2' },
      { subject: 'acme', run },
      { subject: 'acme', run: 'f'.repeat(32), account: 'account1' },
    ]) {
      const token = await rooms.mint({ audience: 'konn', ...wrong })
      await assert.rejects(authenticate(instance, token), INVALID, JSON.stringify(wrong))
    }
    await assert.rejects(rooms.mint({ audience: 'app', subject: 'acme', run, account: 'account1' }), { status: 400 })
  })

  it('live half an hour, like their tokens; what a killed server left is swept', async () => {
    const { run, token } = await begin()
    clock.forward(29 * MINUTE)
    const later = await begin()
    assert.equal((await authenticate(instance, token)).accountId, undefined)
    clock.forward(MINUTE)
    await assert.rejects(authenticate(instance, token), EXPIRED)
    assert.equal(await permissions.runs.find(instance, run), undefined)
    assert.ok((await permissions.runs.sweep()) >= 1)
    assert.ok(await permissions.runs.find(instance, later.run))
  })

  it('are of one instance', async () => {
    const { run } = await begin('account1')
    const { instance: bob } = await instances.create({ domain: 'bob.localhost' })
    assert.equal(await permissions.runs.find(bob, run), undefined)
    await permissions.runs.end(bob, run)
    assert.ok(await permissions.runs.find(instance, run))
  })

  it('a konnector token as the ecosystem makes it names no run, and is good', async () => {
    const token = await rooms.konnector('dev', FILES)
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
    assert.deepEqual(Object.keys(claims), ['aud', 'iss', 'iat', 'sub'])
    assert.equal((await authenticate(instance, token)).accountId, undefined)
  })
})

describe('instances', () => {
  it('take no token of another', async () => {
    const { instance: carol } = await instances.create({ domain: 'carol.localhost' })
    await permissions.create(carol, { type: 'app', slug: 'drive' }, FILES)
    const token = await rooms.app('drive', FILES)
    assert.equal((await authenticate(instance, token)).subject, 'drive')
    await assert.rejects(authenticate(carol, token), INVALID)
  })

  it('take tokens of the domain they had before', async () => {
    const { instance: dave } = await instances.create({ domain: 'dave.localhost' })
    const { instance: mallory } = await instances.create({ domain: 'mallory.localhost' })
    await permissions.create(dave, { type: 'app', slug: 'drive' }, FILES)
    const mintAt = (at: typeof dave) => rooms.mint({ audience: 'cli', subject: 'CLI', scope: 'io.cozy.files' }, at)
    const token = await mintAt(dave)
    const moved = await instances.update(dave, { domain: 'david.localhost' })
    assert.equal((await authenticate(moved, token)).kind, 'cli')
    await assert.rejects(authenticate(mallory, token), INVALID)
  })

  it('being set up show their settings to who has the register token', async () => {
    const { instance: erin, registerToken } = await instances.create({ domain: 'erin.localhost' })
    const ask = (query: string) => rooms.request(`/permissions/self?${query}`, undefined, { host: erin.domain })
    const { status, json } = await ask(`registerToken=${registerToken}`)
    assert.equal(status, 200)
    assert.deepEqual(json.data.attributes.permissions, {
      rule0: { type: 'io.cozy.settings', verbs: ['GET'], values: ['io.cozy.settings.instance'] },
    })
    for (const wrong of [
      '',
      'zz',
      registerToken.slice(2),
      `${registerToken}00`,
      'a'.repeat(registerToken.length),
      '%00',
    ]) {
      assert.equal((await ask(`registerToken=${wrong}`)).status, 401, wrong)
    }
    assert.equal((await ask(`registerToken=${registerToken}&registerToken=${registerToken}`)).status, 401)
  })

  it('refuse a token with a security stamp, as long as there is none to compare', async () => {
    await rooms.app('pass', FILES)
    const token = await rooms.mint({ audience: 'app', subject: 'pass', stamp: 'x' })
    await assert.rejects(authenticate(instance, token), INVALID)
  })
})

describe('minting', () => {
  it('a shorter life is one that began earlier', async () => {
    await rooms.app('drive', FILES)
    // Upstream reckons the token of a service from 24 h and checks it against 30 min: dead at birth.
    const token = await rooms.mint({ audience: 'app', subject: 'drive', expire: 10 * MINUTE })
    clock.forward(9 * MINUTE)
    assert.equal((await authenticate(instance, token)).subject, 'drive')
    clock.forward(MINUTE)
    await assert.rejects(authenticate(instance, token), EXPIRED)
  })

  it('refuses what no token can be', async () => {
    const wrong: [Audience, object][] = [
      ['cli', { scope: 'io.cozy.files', expire: 31 * MINUTE }],
      ['cli', { scope: 'io.cozy.files', expire: 0 }],
      ['cli', { scope: 'io.cozy.files', expire: -1 }],
      ['cli', { scope: 'io.cozy.files', expire: Number.NaN }],
      ['cli', { scope: 'io.cozy.*' }],
      ['cli', { scope: '@io.cozy.apps/drive' }],
      ['access', {}],
      ['access', { scope: '@io.cozy.apps/' }],
      ['refresh', { scope: 'io.cozy.files', expire: MINUTE }],
      ['konn', { scope: 'io.cozy.files' }],
      ['konn', { subject: '' }],
      ['konn', { subject: '../acme' }],
      ['app', { subject: 'a b' }],
    ]
    for (const [audience, more] of wrong) {
      const request = { audience, subject: 'acme', ...more }
      await assert.rejects(rooms.mint(request), { status: 400 }, JSON.stringify(request))
    }
  })
})

it('the document of a source has its name', () => {
  assert.equal(sourceIdOf('konnector', 'acme'), 'io.cozy.konnectors/acme')
  assert.equal(sourceIdOf('app', 'drive'), 'io.cozy.apps/drive')
})
