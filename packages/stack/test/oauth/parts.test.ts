import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Tenant } from '../../src/ground/tenant.ts'
import { describeRule } from '../../src/rooms/oauth/consent/describe.ts'
import { consentWords, languages } from '../../src/rooms/oauth/consent/words.ts'
import { parseDuration } from '../../src/rooms/oauth/go-duration.ts'
import { isChallenge, verifierFits } from '../../src/rooms/oauth/pkce.ts'
import { assertLinkedApp, readMetadata } from '../../src/rooms/oauth/registration.ts'
import { parseScope } from '../../src/rooms/permissions/scope.ts'

const tenant: Tenant = { id: 'x', domain: 'alice.example.net', url: 'https://alice.example.net/', locale: 'en' }
const good = { redirect_uris: ['http://localhost:3333/cb'], client_name: 'My tool', software_id: 'github.com/me/tool' }

const withCode =
  (code: string) => (error: { status?: number; body?: { error?: string; error_description?: string } }) =>
    error.status === 400 && error.body?.error === code && (error.body.error_description ?? '').length > 10

test('metadata: mandatory members, texts only, nothing the server sets', () => {
  const bad: [object | null, string][] = [
    [null, 'invalid_client_metadata'],
    [[], 'invalid_client_metadata'],
    [{ ...good, redirect_uris: undefined }, 'invalid_redirect_uri'],
    [{ ...good, redirect_uris: [] }, 'invalid_redirect_uri'],
    [{ ...good, redirect_uris: 'http://localhost:3333/cb' }, 'invalid_redirect_uri'],
    [{ ...good, redirect_uris: ['http://localhost:3333/cb', 'https://alice.example.net/x'] }, 'invalid_redirect_uri'],
    [{ ...good, redirect_uris: Array(21).fill('http://localhost:3333/cb') }, 'invalid_redirect_uri'],
    [{ ...good, client_name: '' }, 'invalid_client_metadata'],
    [{ ...good, client_name: '   ' }, 'invalid_client_metadata'],
    [{ ...good, client_name: 12 }, 'invalid_client_metadata'],
    [{ ...good, client_name: 'a\u0000b' }, 'invalid_client_metadata'],
    [{ ...good, client_name: 'a\ud800b' }, 'invalid_client_metadata'],
    [{ ...good, client_name: 'x'.repeat(1025) }, 'invalid_client_metadata'],
    [{ ...good, software_id: undefined }, 'invalid_client_metadata'],
    [{ ...good, logo_uri: {} }, 'invalid_client_metadata'],
  ]
  for (const [input, code] of bad)
    assert.throws(() => readMetadata(input, tenant), withCode(code), JSON.stringify(input))

  const sent = {
    ...good,
    client_kind: 'desktop',
    client_uri: '',
    pending: false,
    client_secret: 'mine',
    grant_types: ['x'],
    extra: 1,
  }
  assert.deepEqual(readMetadata(sent, tenant), { ...good, client_kind: 'desktop' })
})

test('linked applications need a registry that has them, and are never the store or the settings', async () => {
  await assertLinkedApp('github.com/me/tool', undefined)
  await assertLinkedApp('registry://drive', async slug => slug === 'drive')
  for (const [id, exists] of [
    ['registry://drive', undefined],
    ['registry://other', async () => false],
    ['registry://store', async () => true],
    ['registry://settings', async () => true],
    ['registry://settings/stable', async () => true],
    ['registry://../x', async () => true],
    ['registry://', async () => true],
  ] as const) {
    await assert.rejects(() => assertLinkedApp(id, exists), withCode('unapproved_software_id'), id)
  }
})

test('PKCE: only the verifier of the challenge, and none where none was asked for', () => {
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  assert.ok(isChallenge(challenge))
  assert.ok(verifierFits(challenge, verifier))
  assert.ok(verifierFits(undefined, undefined))
  for (const wrong of [undefined, '', 'short', challenge, `${verifier}x`, verifier.toUpperCase()]) {
    assert.equal(verifierFits(challenge, wrong), false, String(wrong))
  }
  assert.equal(verifierFits(undefined, verifier), false)
  for (const wrong of ['', 'abc', `${challenge}=`, challenge.slice(1)]) assert.equal(isChallenge(wrong), false)
  // RFC 7636, appendix B.
  assert.ok(verifierFits('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'))
})

test('durations as the ecosystem writes them', () => {
  const known: Record<string, number | undefined> = {
    '1h30m': 5_400_000,
    '90s': 90_000,
    '1.5h': 5_400_000,
    '.5s': 500,
    '100ms': 100,
    '0': 0,
    '0s': 0,
    '': undefined,
    '5': undefined,
    '1d': undefined,
    '-1h': undefined,
    '1h 30m': undefined,
    h: undefined,
  }
  for (const [text, expected] of Object.entries(known)) assert.equal(parseDuration(text), expected, text)
})

test('both languages say the same, and every rule becomes a sentence', () => {
  assert.deepEqual(Object.keys(languages.fr.doctypes).sort(), Object.keys(languages.en.doctypes).sort())
  assert.deepEqual(Object.keys(languages.fr).sort(), Object.keys(languages.en).sort())
  assert.equal(consentWords('fr-CA'), languages.fr)
  assert.equal(consentWords('de'), languages.en)

  const say = (scope: string, locale = 'en') => parseScope(scope).map(rule => describeRule(rule, consentWords(locale)))
  assert.deepEqual(say('io.cozy.files:GET'), [{ text: 'Read your files and folders' }])
  assert.deepEqual(say('io.cozy.files:GET', 'fr'), [{ text: 'Lire vos fichiers et dossiers' }])
  assert.deepEqual(say('io.cozy.contacts'), [{ text: 'Read, add, change and delete your contacts' }])
  assert.deepEqual(say('io.cozy.contacts:PUT,PATCH'), [{ text: 'Change your contacts' }])
  assert.deepEqual(say('io.cozy.files:GET:io.cozy.files.root-dir'), [
    { text: 'Read your files and folders', restriction: 'Only: io.cozy.files.root-dir' },
  ])
  assert.deepEqual(say('io.cozy.jobs:POST:sendmail:worker'), [
    { text: 'Add the background work of your space', restriction: 'Only those whose “worker” is: sendmail' },
  ])
  assert.deepEqual(say('com.example.things:GET'), [{ text: 'Read documents of the type “com.example.things”' }])
  assert.match(say('io.cozy.bank.*:GET')[0]!.text, /^Read documents of the type “io\.cozy\.bank” and of all types/)
  assert.match(say('io.cozy.files:NOTAVERB')[0]!.text, /^Know of your files/)
  // Names of what every object has are no doctypes we have words for.
  assert.match(say('constructor:GET')[0]!.text, /documents of the type “constructor”/)
})
