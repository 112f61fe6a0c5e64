import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import { fileType } from '../../src/record/bodies.ts'
import type { Exchange } from '../../src/record/exchange.ts'
import { bodyOf } from '../../src/record/har.ts'
import { makeRecording, saveRecording } from '../../src/record/recorder.ts'
import { isIban, passesLuhn } from '../../src/record/scrub/placeholders.ts'

const STARTED = Date.parse('2026-03-04T05:06:07.000Z')

function exchange(part: Partial<Exchange>): Exchange {
  return {
    startedAt: STARTED,
    duration: 5,
    method: 'GET',
    url: 'https://vendor.test/',
    requestHeaders: [],
    requestBody: Buffer.alloc(0),
    status: 200,
    statusText: 'OK',
    responseHeaders: ['Content-Type', 'text/html; charset=utf-8'],
    responseBody: Buffer.alloc(0),
    ...part,
  }
}

const LOGIN = 'Zoé.Planted+login@mail.example'
const PASSWORD = `pl4nted "p&ss' <w/rd> é€+%`
const CUSTOMER = '83920174655'
const NAME = "Aurélie d'Estaing-Planted"
const COOKIE = 'plantedCookie/8fe2=='
const SHORT_COOKIE = 'pl4c'
const CSRF = 'PlantedCsrf77aa88bb99cc'
const HIDDEN = 'planted0hidden1random2value3'
const ACCESS = 'planted-access-token-123456'
const REFRESH = 'planted-refresh-token-99'
const CODE = 'planted-oauth-code'
const STATE = 'planted-state-5551'
const BASIC_USER = 'planted-basic-user'
const BASIC_PASSWORD = 'planted-basic-pass'
const API_KEY = 'planted-api-key-0001'
const EMAIL = 'someone.planted@other.example'
const PHONE = '06 12 34 56 78'
const FOREIGN_PHONE = '+44 20 7946 0958'
const IBAN = 'FR14 2004 1010 0505 0001 3M02 606'
const CARD = '4970 1012 3456 7893'
const NUMBER_TOKEN = 777123999
const jwtOf = (claims: object): string => `${b64({ alg: 'HS256' })}.${b64(claims)}.plantedSignatureXYZ`
const b64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const JWT = jwtOf({ sub: 'planted-subject-42', email: EMAIL, exp: 1893456000 })

const form = new URLSearchParams({ user: LOGIN, pass: PASSWORD, _csrf: CSRF, note: 'x' }).toString()
const html = (text: string): string => text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`)
const named = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')

const PAGE = `<!doctype html><meta name="csrf-token" content="${CSRF}"><form><input type="hidden" name="zz" value="${HIDDEN}">
<input name="user" value="${named(LOGIN)}"><input type=password name=p value="${named(PASSWORD)}"></form><p>${html(PASSWORD)} ${NAME.replace("'", '&#x27;')} ${LOGIN.toUpperCase()}</p>
<a href="/next?access_token=${ACCESS}&amp;x=1">next</a><a href="mailto:${EMAIL}">m</a><span data-session-token="${REFRESH}"></span>
<script>var config = {"apiToken":"${ACCESS}", user: ${JSON.stringify({ login: LOGIN, password: PASSWORD })}, phone: "${PHONE}"}; const u = '${encodeURIComponent(LOGIN)}'</script>
<p>${FOREIGN_PHONE} ${IBAN} ${CARD} customer ${CUSTOMER}</p>`

const EXCHANGES: Exchange[] = [
  exchange({
    responseHeaders: [
      'Content-Type',
      'text/html',
      'Content-Encoding',
      'gzip',
      'Set-Cookie',
      `sid=${encodeURIComponent(COOKIE)}; Path=/`,
      'Set-Cookie',
      `z=${SHORT_COOKIE}`,
    ],
    responseBody: gzipSync(PAGE),
  }),
  exchange({
    method: 'POST',
    url: `https://vendor.test/login?next=${encodeURIComponent(`https://vendor.test/cb?code=${CODE}&state=${STATE}`)}&who=${encodeURIComponent(LOGIN)}`,
    requestHeaders: [
      'Cookie',
      `sid=${encodeURIComponent(COOKIE)}; z=${SHORT_COOKIE}`,
      'Content-Type',
      'application/x-www-form-urlencoded',
      'X-CSRF-Token',
      CSRF,
      'X-Api-Key',
      API_KEY,
    ],
    requestBody: Buffer.from(form),
    status: 302,
    responseHeaders: ['Location', `https://vendor.test/cb?code=${CODE}&state=${STATE}#id_token=${JWT}`],
  }),
  exchange({
    url: `https://${BASIC_USER}:${BASIC_PASSWORD}@vendor.test/api/customers/${CUSTOMER}`,
    requestHeaders: ['Authorization', `Basic ${Buffer.from(`${BASIC_USER}:${BASIC_PASSWORD}`).toString('base64')}`],
    responseHeaders: ['Content-Type', 'application/json', 'X-Auth-Token', API_KEY],
    responseBody: Buffer.from(
      JSON.stringify({
        access_token: ACCESS,
        refresh_token: REFRESH,
        id_token: JWT,
        numeric_token: NUMBER_TOKEN,
        name: NAME,
        firstName: 'Plantedine',
        me: { email: EMAIL, login: LOGIN, nested: JSON.stringify({ password: PASSWORD }) },
        echo: Buffer.from(`{"a":1,"password":"${LOGIN}"}`).toString('base64'),
        hash: createHash('md5').update(PASSWORD).digest('hex'),
        keep: 'ordinary text',
      }),
    ),
  }),
  exchange({
    method: 'POST',
    url: `https://vendor.test/api/${encodeURIComponent(LOGIN)}/token`,
    requestHeaders: ['Authorization', `Bearer ${ACCESS}`, 'Content-Type', 'application/json'],
    requestBody: Buffer.from(JSON.stringify({ login: LOGIN, password: PASSWORD, refresh_token: REFRESH })),
    responseHeaders: ['Content-Type', 'text/plain; charset=iso-8859-1', 'Content-Encoding', 'deflate'],
    responseBody: deflateSync(Buffer.from(`Bonjour ${NAME}, été`, 'latin1')),
  }),
  exchange({
    method: 'POST',
    url: 'https://vendor.test/upload',
    requestHeaders: ['Content-Type', 'multipart/form-data; boundary=BB'],
    requestBody: Buffer.from(
      `--BB\r\nContent-Disposition: form-data; name="password"\r\n\r\n${PASSWORD}\r\n--BB--\r\n`,
    ),
    responseHeaders: [
      'Content-Type',
      'application/pdf',
      'Content-Disposition',
      `attachment; filename="${CUSTOMER}.pdf"`,
    ],
    responseBody: Buffer.from(`%PDF-1.4 ${LOGIN} ${PASSWORD} plantedInsideFile`),
  }),
]

const OPTIONS = {
  fields: {
    login: LOGIN,
    password: PASSWORD,
    customer: CUSTOMER,
    region: 'idf',
    advanced: { other: 'planted-nested-value' },
  },
  choices: { region: ['idf', 'paca'] },
  scrub: [NAME],
  startedAt: STARTED,
}

test('no planted secret is in the file, in any encoding', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'konnectory-scrub-'))
  try {
    const file = join(dir, 'fixtures', 'run.har')
    await saveRecording(file, makeRecording(EXCHANGES, `failed for ${LOGIN}`, OPTIONS))
    const text = await readFile(file, 'utf8')
    const har = JSON.parse(text)
    // Everything that is in the file, plain and with each base64 run decoded.
    const strings: string[] = []
    const walk = (value: unknown): void => {
      if (typeof value === 'string') strings.push(value)
      else if (value !== null && typeof value === 'object') for (const item of Object.values(value)) walk(item)
    }
    walk(har)
    const everything = [text, ...strings, ...strings.flatMap(s => [safeDecode(s), ...runs(s)])].join('\n').toLowerCase()
    const secrets = [
      LOGIN,
      PASSWORD,
      CUSTOMER,
      NAME,
      COOKIE,
      CSRF,
      HIDDEN,
      ACCESS,
      REFRESH,
      CODE,
      STATE,
      BASIC_USER,
      BASIC_PASSWORD,
      API_KEY,
    ]
    secrets.push(
      EMAIL,
      PHONE,
      FOREIGN_PHONE,
      IBAN,
      CARD,
      SHORT_COOKIE,
      'planted',
      JWT,
      String(NUMBER_TOKEN),
      createHash('md5').update(PASSWORD).digest('hex'),
    )
    for (const secret of secrets) {
      for (const form of [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
        Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      ])
        assert.ok(!everything.includes(form.toLowerCase()), `${secret} is in the recording as ${form}`)
    }
    assert.match(text, /ordinary text/)
  } finally {
    await rm(dir, { recursive: true })
  }
})

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return ''
  }
}

function runs(text: string): string[] {
  return [...text.matchAll(/[A-Za-z0-9+/_-]{12,}={0,2}/g)].map(([run]) => Buffer.from(run, 'base64').toString())
}

test('the same value has the same placeholder everywhere, of the same kind as the value', () => {
  const { har } = makeRecording(EXCHANGES, 'done', OPTIONS)
  const { fields } = har.log._konnectory
  assert.equal(fields.region, 'idf', 'the choice of a dropdown is kept')
  assert.equal(fields.login, 'konnectory-login@example.test')
  assert.match(String(fields.customer), /^9\d{10}$/)
  const [page, login, api, token] = har.log.entries
  assert.ok(page!.response.content.text!.includes(`value="${fields.login}"`))
  const posted = new URLSearchParams(login!.request.postData!.text)
  assert.equal(posted.get('user'), fields.login)
  assert.equal(posted.get('pass'), fields.password)
  const csrf = /content="([^"]+)"/.exec(page!.response.content.text!)![1]
  assert.equal(posted.get('_csrf'), csrf)
  assert.equal(new URL(api!.request.url).pathname, `/api/customers/${fields.customer}`)
  const answer = JSON.parse(api!.response.content.text!)
  assert.equal(
    token!.request.headers.find(({ name }) => name === 'Authorization')!.value,
    `Bearer ${answer.access_token}`,
  )
  assert.equal(JSON.parse(token!.request.postData!.text).refresh_token, answer.refresh_token)
  assert.equal(JSON.parse(answer.me.nested).password, fields.password, 'JSON in JSON stays JSON')
  assert.equal(
    answer.hash,
    createHash('md5').update(String(fields.password)).digest('hex'),
    'a hash is the hash of the placeholder',
  )
  const claims = JSON.parse(Buffer.from(answer.id_token.split('.')[1], 'base64url').toString())
  assert.equal(claims.exp, 1893456000)
  assert.notEqual(claims.sub, 'planted-subject-42')
  assert.equal(typeof answer.numeric_token, 'number')
  const cookie = /sid=([^;]+)/.exec(page!.response.headers.find(({ name }) => name === 'Set-Cookie')!.value)![1]
  assert.ok(login!.request.headers.find(({ name }) => name === 'Cookie')!.value.includes(`sid=${cookie}`))
})

test('old charsets come back byte for byte, and a file is a small valid file of its type', () => {
  const { har } = makeRecording(EXCHANGES, 'done', OPTIONS)
  assert.equal(bodyOf(har.log.entries[3]!).toString('latin1'), 'Bonjour konnectory-personal-2, été')
  const pdf = bodyOf(har.log.entries[4]!)
  assert.equal(fileType(pdf), 'pdf')
  assert.ok(pdf.length < 1000)
  const offset = Number(/startxref\n(\d+)/.exec(pdf.toString())![1])
  assert.equal(pdf.subarray(offset, offset + 4).toString(), 'xref')
  const kept = makeRecording(EXCHANGES, 'done', { ...OPTIONS, keepFiles: true })
  assert.match(bodyOf(kept.har.log.entries[4]!).toString(), /plantedInsideFile/)
})

test('IBANs and card numbers stay valid, phones stay phones, dates and invoice numbers are left alone', () => {
  const text = `IBAN ${IBAN} card ${CARD} tel ${PHONE} or 0612345678, 2026-01-31, 12/05/2024, invoice 20260131001, icon@2x.png, 49,90 €, id 1712345678901`
  const { har } = makeRecording([exchange({ responseBody: Buffer.from(text) })], 'done', {
    fields: {},
    startedAt: STARTED,
  })
  const scrubbed = har.log.entries[0]!.response.content.text!
  const iban = /IBAN ([A-Z0-9 ]+?) card/.exec(scrubbed)![1]!
  assert.notEqual(iban, IBAN)
  assert.ok(isIban(iban), iban)
  const card = /card ([\d ]+) tel/.exec(scrubbed)![1]!
  assert.ok(passesLuhn(card.replaceAll(' ', '')) && card !== CARD, card)
  assert.match(
    scrubbed,
    /tel 06 00 00 00 01 or 060000000[0-9], 2026-01-31, 12\/05\/2024, invoice 20260131001, icon@2x\.png, 49,90 €, id 1712345678901$/,
  )
})

test('a value too short to be found in texts is told', () => {
  const { notScrubbed } = makeRecording([], 'done', {
    fields: { pin: '123', login: 'a@b.example' },
    startedAt: STARTED,
  })
  assert.deepEqual(notScrubbed, ['pin'])
})
