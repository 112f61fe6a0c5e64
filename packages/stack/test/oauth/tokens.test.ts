import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import { jwtVerify, SignJWT } from 'jose'
import { tokenOf } from '../../src/rooms/oauth/authenticate-request.ts'
import { type Audience, type Claims, lifeOf, signToken, verifyToken } from '../../src/rooms/oauth/tokens.ts'

const keys = { session: randomBytes(64), oauth: randomBytes(64), cli: randomBytes(64) }
const other = { session: randomBytes(64), oauth: randomBytes(64), cli: randomBytes(64) }
const NOW = new Date('2026-11-20T20:00:00Z')
const iat = NOW.getTime() / 1000
const ALL: Audience[] = ['app', 'konn', 'access', 'refresh', 'registration', 'share', 'cli']
const INVALID = {
  name: 'HttpError',
  status: 400,
  message: 'Invalid JWT token',
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
}
const EXPIRED = {
  name: 'HttpError',
  status: 400,
  message: 'Expired token',
  headers: { 'www-authenticate': 'Bearer error="invalid_token" error_description="The access token expired"' },
}

const claims = (more: Partial<Claims> = {}): Claims => ({
  audience: 'konn',
  issuer: 'alice.example.net',
  issuedAt: iat,
  subject: 'acme',
  ...more,
})
const verify = (
  token: string,
  now = NOW,
  audiences = ALL,
  issuers: (string | undefined)[] = ['alice.example.net', undefined],
) => verifyToken(token, { keys, issuers, now, audiences })
const later = (milliseconds: number) => new Date(NOW.getTime() + milliseconds)

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** A token of any header and payload, signed with HS512 and a key. */
const forge = (payload: unknown, header: unknown = { alg: 'HS512', typ: 'JWT' }, key: Uint8Array = keys.session) => {
  const signed = `${base64(header)}.${base64(payload)}`
  return `${signed}.${createHmac('sha512', key).update(signed).digest('base64url')}`
}
const payload = { aud: ['konn'], iss: 'alice.example.net', iat, sub: 'acme' }

describe('the format of tokens', () => {
  it('is that of the protocol, empty members left out', () => {
    const [header, body] = signToken(claims({ scope: '', sessionId: '' }), keys).split('.')
    assert.equal(Buffer.from(header!, 'base64url').toString(), '{"alg":"HS512","typ":"JWT"}')
    assert.deepEqual(JSON.parse(Buffer.from(body!, 'base64url').toString()), payload)
  })

  it('is read by another implementation, and written by one', async () => {
    const verified = await jwtVerify(signToken(claims(), keys), keys.session, { algorithms: ['HS512'] })
    assert.deepEqual(verified.payload, payload)
    const made = await new SignJWT(payload).setProtectedHeader({ alg: 'HS512', typ: 'JWT' }).sign(keys.session)
    assert.equal(verify(made).subject, 'acme')
  })

  it('comes back as it was', () => {
    const full = claims({ audience: 'app', sessionId: 's1', stamp: 'x', scope: 'io.cozy.files' })
    const { run, account, ...rest } = verify(signToken(full, keys))
    assert.deepEqual(rest, full)
    const run1 = claims({ run: 'r', account: 'a' })
    assert.deepEqual({ ...verify(signToken(run1, keys)), ...run1 }, verify(signToken(run1, keys)))
  })

  it('knows runs and accounts on konnector tokens only', () => {
    const app = verify(forge({ ...payload, aud: ['app'], run: 'r', account: 'a' }))
    assert.equal(app.run, undefined)
    assert.equal(app.account, undefined)
  })
})

describe('which tokens are good', () => {
  const lives: [Partial<Claims>, number][] = [
    [{ audience: 'app', sessionId: 's' }, 24 * 3_600_000],
    [{ audience: 'app' }, 30 * 60_000],
    [{ audience: 'konn' }, 30 * 60_000],
    [{ audience: 'access' }, 7 * 24 * 3_600_000],
    [{ audience: 'cli' }, 30 * 60_000],
  ]
  for (const [more, life] of lives) {
    it(`${JSON.stringify(more)} for ${life / 60_000} minutes`, () => {
      const token = signToken(claims(more), keys)
      assert.equal(lifeOf(claims(more)), life)
      assert.equal(verify(token, later(life - 1)).subject, 'acme')
      assert.throws(() => verify(token, later(life)), EXPIRED)
    })
  }
  for (const audience of ['refresh', 'registration', 'share'] as const) {
    it(`${audience} for ever`, () => {
      assert.equal(verify(signToken(claims({ audience }), keys), later(1e12)).audience, audience)
    })
  }

  it('each audience has its key', () => {
    const key: Record<Audience, keyof typeof keys> = {
      app: 'session',
      konn: 'session',
      access: 'oauth',
      refresh: 'oauth',
      registration: 'oauth',
      share: 'oauth',
      cli: 'cli',
    }
    for (const audience of ALL) {
      for (const name of ['session', 'oauth', 'cli'] as const) {
        const token = forge({ ...payload, aud: [audience] }, undefined, keys[name])
        if (name === key[audience]) assert.equal(verify(token).audience, audience)
        else assert.throws(() => verify(token), INVALID)
      }
    }
  })

  it('not those for another use', () => {
    const token = signToken(claims({ audience: 'registration' }), keys)
    assert.throws(() => verify(token, NOW, ['app', 'konn', 'access', 'cli', 'share']), INVALID)
  })

  it('of the domain, and of the one before it', () => {
    const token = signToken(claims({ issuer: 'old.example.net' }), keys)
    assert.throws(() => verify(token), INVALID)
    assert.equal(verify(token, NOW, ALL, ['alice.example.net', 'old.example.net']).issuer, 'old.example.net')
  })

  it('not those from the future, but for a clock that runs ahead a little', () => {
    assert.equal(verify(signToken(claims({ issuedAt: iat + 59 }), keys)).subject, 'acme')
    assert.throws(() => verify(signToken(claims({ issuedAt: iat + 61 }), keys)), INVALID)
    // Milliseconds instead of seconds would make a token of ages.
    assert.throws(() => verify(signToken(claims({ issuedAt: NOW.getTime() }), keys)), INVALID)
  })

  it('with one audience, in a list or by itself', () => {
    assert.equal(verify(forge({ ...payload, aud: 'konn' })).audience, 'konn')
    for (const aud of [
      [],
      ['konn', 'cli'],
      ['konn', 'konn'],
      ['nobody'],
      'nobody',
      undefined,
      null,
      1,
      {},
      [1],
      ['constructor'],
      '__proto__',
    ]) {
      assert.throws(() => verify(forge({ ...payload, aud })), INVALID, JSON.stringify(aud))
    }
  })

  it('an old token is expired only when it is genuine', () => {
    const old = signToken(claims({ issuedAt: iat - 86_400 }), keys)
    assert.throws(() => verify(old), EXPIRED)
    const [header, body] = old.split('.')
    assert.throws(() => verify(`${header}.${body}.${'A'.repeat(86)}`), INVALID)
    assert.throws(() => verify(signToken(claims({ issuedAt: iat - 86_400 }), other)), INVALID)
    assert.throws(() => verify(signToken(claims({ issuedAt: iat - 86_400, issuer: 'bob.example.net' }), keys)), INVALID)
  })

  for (const [what, wrong] of Object.entries({
    'no issuer': { iss: undefined },
    'an issuer in a list': { iss: ['alice.example.net'] },
    'no subject': { sub: undefined },
    'an empty subject': { sub: '' },
    'a subject that is no text': { sub: 1 },
    'no time': { iat: undefined },
    'a time in a text': { iat: String(iat) },
    'a time below zero': { iat: -1 },
    'a scope in a list': { scope: ['io.cozy.files'] },
    'a session that is no text': { session_id: 1 },
    'a stamp that is no text': { stamp: true },
    'a run that is no text': { run: {} },
    'an account that is no text': { account: 5 },
  })) {
    it(`not with ${what}`, () => assert.throws(() => verify(forge({ ...payload, ...wrong })), INVALID))
  }

  it('not with another algorithm, whatever the key', () => {
    const body = base64(payload)
    const none = `${base64({ alg: 'none', typ: 'JWT' })}.${body}.`
    assert.throws(() => verify(none), INVALID)
    assert.throws(() => verify(`${none}x`), INVALID)
    for (const [alg, hash] of [
      ['HS256', 'sha256'],
      ['HS384', 'sha384'],
    ] as const) {
      const signed = `${base64({ alg, typ: 'JWT' })}.${body}`
      assert.throws(
        () => verify(`${signed}.${createHmac(hash, keys.session).update(signed).digest('base64url')}`),
        INVALID,
      )
    }
    // Its header says HS256, its signature is HS512: the header counts.
    for (const header of [
      { alg: 'HS256' },
      { alg: 'hs512' },
      { typ: 'JWT' },
      { alg: ['HS512'] },
      { alg: 'HS512', crit: ['exp'] },
      { alg: 'HS512', typ: 'JWE' },
      [],
      null,
      'HS512',
    ]) {
      assert.throws(() => verify(forge(payload, header)), INVALID, JSON.stringify(header))
    }
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const rsa = `${base64({ alg: 'RS512', typ: 'JWT' })}.${body}`
    assert.throws(() => verify(`${rsa}.${sign('sha512', Buffer.from(rsa), privateKey).toString('base64url')}`), INVALID)
  })

  it('not in another spelling of its signature', () => {
    const token = signToken(claims(), keys)
    const [header, body, signature] = token.split('.') as [string, string, string]
    // 64 bytes leave four bits of the last letter without meaning: the bytes stay the same.
    const twin = `${signature.slice(0, -1)}${String.fromCharCode(signature.charCodeAt(85) + 1)}`
    assert.ok(
      Buffer.from(twin, 'base64url').equals(Buffer.from(signature, 'base64url')),
      'the spellings are of the same bytes',
    )
    for (const bad of [twin, `${signature}=`, signature.replaceAll('_', '/'), `${signature} `]) {
      if (bad !== signature) assert.throws(() => verify(`${header}.${body}.${bad}`), INVALID)
    }
  })

  it('not when it is no token at all: whatever the text, 400', () => {
    const good = signToken(claims(), keys)
    const texts = [
      '',
      '.',
      '..',
      '...',
      'a.b.c',
      `${good}.x`,
      good.slice(1),
      good.slice(0, -1),
      ` ${good}`,
      `${good}\n`,
      good.replaceAll('.', ''),
      'é'.repeat(50),
      '\u0000',
      'A'.repeat(20_000),
      `${base64({ alg: 'HS512', typ: 'JWT' })}.bnVsbA.x`,
      forge([payload]),
      forge('x'),
      forge(null),
    ]
    for (const text of texts) assert.throws(() => verify(text), INVALID, JSON.stringify(text.slice(0, 60)))
    let seed = 3
    for (let round = 0; round < 3_000; round++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      const at = (seed >>> 8) % good.length
      const letter = 'ABCxyz019-_.='[(seed >>> 16) % 13]!
      const broken = good.slice(0, at) + letter + good.slice(at + 1)
      if (broken !== good) assert.throws(() => verify(broken), INVALID, broken)
    }
  })

  it('no key that anybody has: an empty or short one is refused', () => {
    for (const session of [new Uint8Array(), randomBytes(16)]) {
      assert.throws(() => signToken(claims(), { ...keys, session }), RangeError)
    }
  })

  it('verifying costs little', () => {
    const token = signToken(claims({ scope: 'io.cozy.files:GET io.cozy.konnectors' }), keys)
    const started = performance.now()
    for (let count = 0; count < 2_000; count++) verify(token)
    // 9 µs each when nobody else is at work; a hundred times that would be another way of doing it.
    assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`)
  })
})

describe('where a token stands', () => {
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  for (const [what, authorization, query, expected] of [
    ['Bearer', 'Bearer abc', {}, 'abc'],
    ['bearer, in any case, with any spaces', '  bEaReR   abc ', {}, 'abc'],
    ['Basic: the password', basic('user:abc'), {}, 'abc'],
    ['Basic without a user', basic(':abc'), {}, 'abc'],
    ['Basic: a password with colons', basic('user:a:b'), {}, 'a:b'],
    ['Basic without a colon', basic('abc'), {}, undefined],
    ['Basic, empty, then the query', basic('user:'), { bearer_token: 'q' }, 'q'],
    ['the query', undefined, { bearer_token: 'q' }, 'q'],
    ['the header before the query', 'Bearer abc', { bearer_token: 'q' }, 'abc'],
    ['an unknown scheme, then the query', 'Digest abc', { bearer_token: 'q' }, 'q'],
    ['an unknown scheme', 'Digest abc', {}, undefined],
    ['Bearer without a token', 'Bearer', {}, undefined],
    ['Bearer and spaces', 'Bearer   ', {}, undefined],
    ['an empty query', undefined, { bearer_token: '' }, undefined],
    ['a query that says it twice', undefined, { bearer_token: ['a', 'b'] }, undefined],
    ['nothing', undefined, {}, undefined],
  ] as const) {
    it(what, () => {
      const headers = authorization === undefined ? {} : { authorization }
      assert.equal(tokenOf({ headers, query: query as Record<string, unknown> }), expected)
    })
  }
})
