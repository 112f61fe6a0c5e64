import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Stack } from '../help/process.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers of the server, asserted on where they matter
type Any = any

/** What the fuzz acts on, and what it must leave alone. */
export interface World {
  port: number
  adminPort: number
  adminAuthorization: string
  /** The first has all rights but on the canaries. */
  tokens: Record<string, string>
  session: string
  client: { id: string; secret: string; registrationToken: string }
  docs: { id: string; rev: string }[]
  directory: string
  files: string[]
  permission: string
  shareCode: string
  /** A request with the widest token; its JSON. */
  ask(method: string, path: string, body?: object | string, headers?: Record<string, string>): Promise<Any>
  /** Makes again what fuzzed requests have taken away from those after them. */
  repair(): Promise<void>
  /** Canaries and the other instance are as they were; a control document is written each time this is called. @throws when not */
  assertIntact(): Promise<void>
}

export const TARGET = 'localhost'
const OTHER = 'other.example'
/** In each text that no fuzzed request may get to see. */
export const SECRET = 'canary-7f3e9b'
const CANARIES = 'io.cozy.canaries'

const WIDE = [
  'io.cozy.tests', 'io.cozy.bills', 'io.cozy.accounts', 'io.cozy.settings', 'io.cozy.files', 'io.cozy.files.versions', 'io.cozy.permissions', 'io.cozy.konnectors', 'io.cozy.apps',
  'io.cozy.doctypes', 'io.cozy.oauth.clients', 'io.cozy.sessions', 'io.cozy.jobs', 'io.cozy.contacts', 'io.cozy.triggers', 'io.cozy.bank.operations', 'io.cozy.identities', 'io.cozy.never.made',
].join(' ') // biome-ignore format: a list to be read as one

export async function makeWorld(stack: Stack): Promise<World> {
  const { port } = stack
  for (const domain of [TARGET, OTHER, 'victim.example']) {
    const made = await stack.admin('POST', '/instances', { domain, locale: 'en', publicName: 'Alice' })
    assert.equal(made.status, 201, await made.text())
  }
  const steward = await stack.token(TARGET, `${WIDE} ${CANARIES}`)
  const stewardOfOther = await stack.token(OTHER, `${WIDE} ${CANARIES}`)
  const raw = async (
    host: string,
    token: string,
    method: string,
    path: string,
    body?: object | string,
    headers: Record<string, string> = {},
  ) => {
    const { request } = await import('node:http')
    return new Promise<{ status: number; bytes: Buffer }>((resolve, reject) => {
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
      request(
        {
          host: '127.0.0.1',
          port,
          path,
          method,
          agent: false,
          headers: {
            host,
            authorization: `Bearer ${token}`,
            accept: 'application/json',
            ...(typeof body === 'object' && { 'content-type': 'application/json' }),
            ...(text !== undefined && { 'content-length': String(Buffer.byteLength(text)) }),
            ...headers,
          },
        },
        answer => {
          const chunks: Buffer[] = []
          answer.on('data', chunk => chunks.push(chunk)).once('error', reject)
          answer.once('end', () => resolve({ status: answer.statusCode ?? 0, bytes: Buffer.concat(chunks) }))
        },
      )
        .once('error', reject)
        .end(text)
    })
  }
  const askAs =
    (host: string, token: string) =>
    async (method: string, path: string, body?: object | string, headers?: Record<string, string>): Promise<Any> => {
      const { status, bytes } = await raw(host, token, method, path, body, headers)
      const text = bytes.toString('utf8')
      assert.ok(status < 300, `${method} ${path}: ${status} ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    }
  const mine = askAs(TARGET, steward)
  const others = askAs(OTHER, stewardOfOther)

  // Canaries: in the instance that is fuzzed out of reach of its tokens, in the other one of every doctype.
  for (const [ask, doctypes] of [
    [mine, [CANARIES]],
    [others, [CANARIES, 'io.cozy.tests', 'io.cozy.bills', 'io.cozy.contacts']],
  ] as const) {
    for (const doctype of doctypes) {
      const docs = Array.from({ length: 20 }, (_, n) => ({
        _id: `canary-${n}`,
        n,
        text: `${SECRET} é \u0000 😀`,
        list: [1, { a: null }],
      }))
      await ask('POST', `/data/${doctype}/_bulk_docs`, { docs })
    }
    await ask('POST', `/data/${doctypes[0]}/_index`, { index: { fields: ['n'] }, ddoc: 'by_n' })
  }
  const filesOf: { host: string; token: string; id: string; sha: string }[] = []
  for (const [host, token, ask] of [
    [TARGET, steward, mine],
    [OTHER, stewardOfOther, others],
  ] as const) {
    const { data } = await ask('POST', '/files/?Type=directory&Name=Canaries')
    for (let n = 0; n < 5; n++) {
      const content = `${host} ${n} `.repeat(500 * (n + 1))
      const file = await ask('POST', `/files/${data.id}?Type=file&Name=canary-${n}.bin`, content, {
        'content-type': 'application/octet-stream',
      })
      filesOf.push({ host, token, id: file.data.id, sha: createHash('sha256').update(content).digest('hex') })
    }
  }

  const fuzzer = await stack.token(TARGET, WIDE)
  const ask = askAs(TARGET, fuzzer)
  const docs: World['docs'] = []
  for (let n = 0; n < 20; n++) {
    const { id, rev } = await ask('PUT', `/data/io.cozy.tests/doc-${n}`, {
      a: n % 5,
      n,
      text: `${'a'.repeat(40)}${n}!`,
      list: [n, 'x', { b: n }],
      deep: { er: { est: n } },
    })
    docs.push({ id, rev })
  }
  await ask('POST', '/data/io.cozy.tests/_index', { index: { fields: ['a', 'n'] }, ddoc: 'by_a_and_n' })
  const playground = async () => {
    const found = await raw(TARGET, fuzzer, 'GET', '/files/metadata?Path=/Fuzzed')
    const there = found.status === 200 ? JSON.parse(found.bytes.toString()) : undefined
    const { data } = there ?? (await ask('POST', '/files/?Type=directory&Name=Fuzzed'))
    const files: string[] = []
    for (let n = 0; n < 4; n++) {
      const file = await raw(TARGET, fuzzer, 'GET', `/files/metadata?Path=/Fuzzed/f${n}.txt`)
      const path = `/files/${data.id}?Type=file&Name=f${n}.txt`
      const known = file.status === 200 ? JSON.parse(file.bytes.toString()) : undefined
      const kept = known ?? (await ask('POST', path, `content ${n} `.repeat(100), { 'content-type': 'text/plain' }))
      files.push(kept.data.id)
    }
    return { directory: data.id as string, files }
  }
  const { directory, files } = await playground()

  const madeClient = await stack.admin(
    'POST',
    `/instances/oauth_client?${new URLSearchParams({ Domain: TARGET, RedirectURI: 'http://localhost:3333/cb', ClientName: 'Fuzz', SoftwareID: 'fuzz' })}`,
  )
  const client = (await madeClient.json()) as Record<string, string>
  const id = client.client_id!
  const share = await ask('POST', '/permissions?codes=a,b', {
    data: { attributes: { permissions: { files: { type: 'io.cozy.files', verbs: ['GET'], values: [directory] } } } },
  })
  const shareCode = Object.values(share.data.attributes.codes as Record<string, string>)[0]!
  const type = {
    slug: 'fuzz',
    grant_mode: 'authorization_code',
    client_id: 'c',
    client_secret: 's',
    auth_endpoint: 'http://127.0.0.1:9/auth',
    token_endpoint: 'http://127.0.0.1:9/token',
  }
  await stack.admin('PUT', '/account_types/fuzz', type)
  const session = await signIn(stack)
  const tokens = {
    wide: fuzzer,
    narrow: await stack.token(TARGET, 'io.cozy.tests:GET:doc-1,doc-2 io.cozy.files:GET,POST:io.cozy.files.trash-dir'),
    selector: await stack.token(TARGET, 'io.cozy.tests:ALL:1:a io.cozy.files:GET:text/plain:mime'),
    app: await stack.tokenOf({ Domain: TARGET, Audience: 'app', Subject: 'drive' }),
    konnector: await stack.tokenOf({ Domain: TARGET, Audience: 'konn', Subject: 'acme' }),
    access: await stack.tokenOf({
      Domain: TARGET,
      Audience: 'access',
      Subject: id,
      Scope: 'io.cozy.tests io.cozy.files:GET',
    }),
    refresh: await stack.tokenOf({ Domain: TARGET, Audience: 'refresh', Subject: id, Scope: 'io.cozy.tests' }),
    expired: await stack.tokenOf({ Domain: TARGET, Audience: 'app', Subject: 'drive', Expire: '1ns' }),
    // Right there, and nowhere else.
    victim: await stack.token('victim.example', `${WIDE} ${CANARIES}`),
    share: shareCode,
    registration: client.registration_access_token!,
  }

  const snapshot = async () => {
    const parts: Record<string, string> = {}
    for (const [host, token, doctypes] of [
      [TARGET, steward, [CANARIES]],
      [
        OTHER,
        stewardOfOther,
        [CANARIES, 'io.cozy.tests', 'io.cozy.bills', 'io.cozy.contacts', 'io.cozy.files', 'io.cozy.settings'],
      ],
    ] as const) {
      for (const doctype of doctypes) {
        for (const what of [
          `_all_docs?include_docs=true${doctype === CANARIES ? '&endkey=%22control%22' : ''}`,
          ...(doctype === CANARIES ? [] : ['_changes']),
        ]) {
          const { bytes } = await raw(host, token, 'GET', `/data/${doctype}/${what}`)
          // Control documents are after the others, and count.
          parts[`${host} ${doctype} ${what}`] = bytes.toString('utf8').replace(/"total_rows":\d+,?/, '')
        }
      }
    }
    for (const file of filesOf) {
      const { status, bytes } = await raw(file.host, file.token, 'GET', `/files/download/${file.id}`)
      assert.equal(status, 200, `${file.host} ${file.id}`)
      assert.equal(createHash('sha256').update(bytes).digest('hex'), file.sha)
    }
    return parts
  }
  const before = await snapshot()
  assert.ok(Object.values(before).some(text => text.includes(SECRET)))
  let control = 0
  let repairing: Promise<void> | undefined
  const mend = async () => {
    const unblocked = await stack.admin('PATCH', `/instances/${TARGET}`, { blocked: null })
    assert.equal(unblocked.status, 200, await unblocked.text())
    Object.assign(world, await playground())
    world.session = await signIn(stack)
  }

  const world: World = {
    port,
    adminPort: stack.adminPort,
    adminAuthorization: stack.adminAuthorization,
    tokens,
    session,
    client: { id, secret: client.client_secret!, registrationToken: client.registration_access_token! },
    docs,
    directory,
    files,
    permission: share.data.id,
    shareCode,
    ask,
    repair() {
      repairing ??= mend().finally(() => {
        repairing = undefined
      })
      return repairing
    },
    async assertIntact() {
      await mine('PUT', `/data/${CANARIES}/control-${control}`, { control })
      control++
      const { rows } = await mine(
        'GET',
        `/data/${CANARIES}/_all_docs?include_docs=true&startkey=%22control%22&endkey=%22control.%22`,
      )
      assert.deepEqual(
        rows.map(({ doc }: Any) => doc.control).sort((a: number, b: number) => a - b),
        Array.from({ length: control }, (_, n) => n),
      )
      assert.deepEqual(await snapshot(), before)
    },
  }
  return world
}

/** A browser's session cookie in the instance that is fuzzed. */
async function signIn({ admin, port }: Stack): Promise<string> {
  const passphrase = 'a'.repeat(43)
  const set = await admin('PUT', `/instances/${TARGET}/passphrase`, { passphrase, iterations: 650_000 })
  assert.equal(set.status, 204, await set.text())
  const answer = await fetch(`http://localhost:${port}/auth/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ passphrase }),
  })
  const cookie = answer.headers.getSetCookie().find(text => text.startsWith('cozysessid='))
  assert.ok(cookie, `${answer.status} ${await answer.text()}`)
  return cookie.split(';')[0]!
}
