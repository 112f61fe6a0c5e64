import { type Draft, draft } from './draft.ts'
import type { Random } from './random.ts'
import { oddSelector } from './values.ts'
import type { World } from './world.ts'

/** A request that is right, but for what it may say about Mango. Some make what they are about first. */
export type Template = (world: World, random: Random) => Draft | Promise<Draft>

const T = '/data/io.cozy.tests'
const encoded = encodeURIComponent

const withoutBody =
  (method: string, path: (world: World, random: Random) => string, query: [string, string][] = []): Template =>
  (world, random) =>
    draft(method, path(world, random), { query })
const withJson =
  (
    method: string,
    path: (world: World, random: Random) => string,
    json: (world: World, random: Random) => unknown,
    query: [string, string][] = [],
  ): Template =>
  (world, random) =>
    draft(method, path(world, random), {
      json: json(world, random),
      query,
      headers: [['content-type', 'application/json']],
    })
const withForm =
  (path: string, form: (world: World) => Record<string, string>): Template =>
  world =>
    draft('POST', path, {
      body: Buffer.from(new URLSearchParams(form(world)).toString()),
      headers: [['content-type', 'application/x-www-form-urlencoded']],
    })

const attributes = (value: object, more: object = {}) => ({
  data: { type: 'io.cozy.files', attributes: value, ...more },
})
const aDoc = (random: Random) => `doc-${random.int(20)}`
const aFile = ({ files }: World, random: Random) => random.pick(files)
const freshName = (random: Random) => `n${random.seed()}-${random.seed()}`

async function freshDoc({ ask }: World): Promise<{ id: string; rev: string }> {
  return ask('POST', `${T}/`, { a: 1, n: 2, text: 'fresh' })
}

async function freshFile({ ask, directory }: World, random: Random): Promise<{ id: string; rev: string }> {
  const path = `/files/${directory}?Type=file&Name=${freshName(random)}.txt`
  const { data } = await ask('POST', path, 'some content', { 'content-type': 'text/plain' })
  return { id: data.id, rev: data.meta.rev }
}

const mango = (random: Random) => ({
  selector: oddSelector(random),
  ...(random.chance(0.5) && { limit: random.pick([0, 1, 10, 1000, 1001]) }),
  ...(random.chance(0.3) && { fields: ['a', 'deep.er', '_id'] }),
  ...(random.chance(0.3) && { sort: [{ a: 'asc' }, { n: 'asc' }] }),
  ...(random.chance(0.3) && {
    use_index: random.pick(['by_a_and_n', '_design/by_a_and_n', ['_design/by_a_and_n', 'by_a_and_n'], 'none']),
  }),
  ...(random.chance(0.2) && { bookmark: random.pick(['', 'nil', 'g1AAAA', 'a'.repeat(3000)]) }),
  ...(random.chance(0.2) && { skip: random.pick([0, 5, 1e9]) }),
  ...(random.chance(0.2) && { execution_stats: true }),
})

const rules = (world: World) => ({ files: { type: 'io.cozy.files', verbs: ['GET'], values: [world.directory] } })
const references = (random: Random) => ({
  data: [
    { type: 'io.cozy.tests', id: aDoc(random) },
    { type: 'io.cozy.bills', id: 'b/1' },
  ],
})
const aClient = () => ({
  redirect_uris: ['http://localhost:3333/cb'],
  client_name: 'Fuzz',
  software_id: 'fuzz',
  client_kind: 'desktop',
})
const toRegistered =
  (method: string, json?: (world: World) => object): Template =>
  world =>
    draft(method, `/auth/register/${world.client.id}`, {
      headers: [
        ['authorization', `Bearer ${world.client.registrationToken}`],
        ...(json ? [['content-type', 'application/json'] as [string, string]] : []),
      ],
      ...(json && { json: json(world) }),
    })

/** By method and path as in the API's document. What has none gets odd values for each of its parameters. */
export const TEMPLATES: Record<string, Template> = {
  'GET /data/{doctype}/{docid}': withoutBody('GET', (_w, r) => `${T}/${aDoc(r)}`),
  'POST /data/{doctype}': withJson(
    'POST',
    () => `${T}/`,
    (_w, r) => ({ a: r.int(9), n: 1.5, text: 'x', list: [1, { b: null }], deep: { er: { est: [] } } }),
  ),
  'PUT /data/{doctype}/{docid}': async (world, random) => {
    if (random.chance(0.3))
      return draft('PUT', `${T}/${freshName(random)}`, {
        json: { a: 1 },
        headers: [['content-type', 'application/json']],
      })
    const { id, rev } = await freshDoc(world)
    return draft('PUT', `${T}/${id}`, {
      json: { _id: id, _rev: rev, _type: 'io.cozy.tests', a: 2, deep: { b: [1] } },
      headers: [['content-type', 'application/json']],
    })
  },
  'DELETE /data/{doctype}/{docid}': async world => {
    const { id, rev } = await freshDoc(world)
    return draft('DELETE', `${T}/${id}`, { query: [['rev', rev]] })
  },
  'GET /data/{doctype}/_all_docs': withoutBody('GET', () => `${T}/_all_docs`, [
    ['include_docs', 'true'],
    ['limit', '5'],
    ['startkey', '%22doc-1%22'],
  ]),
  'POST /data/{doctype}/_all_docs': withJson(
    'POST',
    () => `${T}/_all_docs`,
    (_w, r) => ({ keys: [aDoc(r), 'none', 'doc-2'] }),
    [['include_docs', 'true']],
  ),
  'GET /data/{doctype}/_normal_docs': withoutBody('GET', () => `${T}/_normal_docs`, [
    ['limit', '5'],
    ['skip', '1'],
  ]),
  'POST /data/{doctype}/_find': withJson(
    'POST',
    () => `${T}/_find`,
    (_w, r) => mango(r),
  ),
  'POST /data/{doctype}/_index': withJson(
    'POST',
    () => `${T}/_index`,
    (_w, r) => ({
      index: {
        fields: r.pick([['a'], ['a', { n: 'asc' }], [{ text: 'desc' }], ['deep.er.est']]),
        ...(r.chance(0.4) && { partial_filter_selector: r.chance(0.5) ? { a: 1 } : oddSelector(r) }),
      },
      ...(r.chance(0.5) && { ddoc: `by_${r.int(6)}`, name: `n_${r.int(3)}` }),
      type: 'json',
    }),
  ),
  'GET /data/{doctype}/_design_docs': withoutBody('GET', () => `${T}/_design_docs`, [['include_docs', 'true']]),
  'GET /data/{doctype}/_design/{id}': withoutBody('GET', () => `${T}/_design/by_a_and_n`),
  'DELETE /data/{doctype}/_design/{id}': withoutBody('DELETE', (_w, r) => `${T}/_design/by_${r.int(6)}`, [
    ['rev', '1-abc'],
  ]),
  'POST /data/{doctype}/_design/{id}/copy': (_world, random) =>
    draft('POST', `${T}/_design/by_a_and_n/copy`, { headers: [['destination', `_design/c${random.int(9)}`]] }),
  'GET /data/{doctype}/_changes': withoutBody('GET', () => `${T}/_changes`, [
    ['since', '0'],
    ['limit', '5'],
    ['include_docs', 'true'],
    ['style', 'all_docs'],
  ]),
  'POST /data/{doctype}/_changes': (_world, random) =>
    random.chance(0.5)
      ? draft('POST', `${T}/_changes`, {
          json: { doc_ids: ['doc-1', 'doc-2'] },
          query: [['filter', '_doc_ids']],
          headers: [['content-type', 'application/json']],
        })
      : draft('POST', `${T}/_changes`, {
          json: { selector: oddSelector(random) },
          query: [['filter', '_selector']],
          headers: [['content-type', 'application/json']],
        }),
  'POST /data/{doctype}/_bulk_get': withJson(
    'POST',
    () => `${T}/_bulk_get`,
    (w, r) => ({ docs: [r.pick(w.docs), { id: aDoc(r) }, { id: 'none', rev: '1-a' }] }),
    [
      ['revs', 'true'],
      ['latest', 'true'],
    ],
  ),
  'POST /data/{doctype}/_bulk_docs': withJson(
    'POST',
    () => `${T}/_bulk_docs`,
    (_w, r) =>
      r.chance(0.5)
        ? {
            docs: [
              { a: 1 },
              { _id: freshName(r), b: [1, { c: 2 }] },
              { _id: aDoc(r), _rev: '1-abc', a: 2 },
              { _id: 'gone', _rev: '1-a', _deleted: true },
            ],
          }
        : {
            new_edits: false,
            docs: [
              { _id: freshName(r), _rev: '2-bb', _revisions: { start: 2, ids: ['bb', 'aa'] }, a: 1 },
              { _id: aDoc(r), _rev: '1-cc', a: 5 },
            ],
          },
  ),
  'POST /data/{doctype}/_revs_diff': withJson(
    'POST',
    () => `${T}/_revs_diff`,
    (_w, r) => ({ [aDoc(r)]: ['1-a', '2-b'], none: ['1-abc'] }),
  ),
  'GET /data/{doctype}/_local/{docid}': withoutBody('GET', () => `${T}/_local/checkpoint`),
  'PUT /data/{doctype}/_local/{docid}': withJson(
    'PUT',
    (_w, r) => `${T}/_local/${freshName(r)}`,
    () => ({ last_seq: '3-a', history: [{ session_id: 'x' }] }),
  ),
  'PUT /data/{doctype}': withoutBody('PUT', (_w, r) => `/data/io.cozy.made${r.int(30)}`),
  'DELETE /data/{doctype}': withoutBody('DELETE', (_w, r) => `/data/io.cozy.made${r.int(30)}`),
  'GET /data/{doctype}': withoutBody('GET', () => `${T}/`),
  'POST /data/{doctype}/_ensure_full_commit': withoutBody('POST', () => `${T}/_ensure_full_commit`),
  'POST /data/{doctype}/{docid}/relationships/references': withJson(
    'POST',
    (_w, r) => `${T}/${aDoc(r)}/relationships/references`,
    (w, r) => ({ data: [{ type: 'io.cozy.files', id: aFile(w, r) }] }),
  ),
  'DELETE /data/{doctype}/{docid}/relationships/references': withJson(
    'DELETE',
    (_w, r) => `${T}/${aDoc(r)}/relationships/references`,
    (w, r) => ({ data: [{ type: 'io.cozy.files', id: aFile(w, r) }] }),
  ),
  'GET /data/{doctype}/{docid}/relationships/references': withoutBody(
    'GET',
    (_w, r) => `${T}/${aDoc(r)}/relationships/references`,
    [
      ['include', 'files'],
      ['sort', 'datetime'],
      ['page[limit]', '3'],
    ],
  ),
  'POST /data/{doctype}/{docid}/relationships/not_synchronizing': withJson(
    'POST',
    (w, r) => `/data/io.cozy.oauth.clients/${w.client.id}/relationships/not_synchronizing${r.chance(0.1) ? '/' : ''}`,
    w => ({ data: [{ type: 'io.cozy.files', id: w.directory }] }),
  ),
  'DELETE /data/{doctype}/{docid}/relationships/not_synchronizing': withJson(
    'DELETE',
    w => `/data/io.cozy.oauth.clients/${w.client.id}/relationships/not_synchronizing`,
    w => ({ data: [{ type: 'io.cozy.files', id: w.directory }] }),
  ),
  'GET /files/metadata': withoutBody('GET', () => '/files/metadata', [['Path', '%2FFuzzed%2Ff1.txt']]),
  'PATCH /files/metadata': withJson(
    'PATCH',
    () => '/files/metadata',
    () => attributes({ tags: ['a'], metadata: { x: 1 } }),
    [['Path', '%2FFuzzed%2Ff1.txt']],
  ),
  'GET /files/{id}': withoutBody('GET', (w, r) => `/files/${r.chance(0.5) ? w.directory : aFile(w, r)}`, [
    ['page[limit]', '2'],
  ]),
  'POST /files/{id}': (world, random) =>
    random.chance(0.3)
      ? draft('POST', `/files/${world.directory}`, {
          query: [
            ['Type', 'directory'],
            ['Name', freshName(random)],
            ['Tags', 'a,b'],
          ],
        })
      : draft('POST', `/files/${world.directory}`, {
          query: [
            ['Type', 'file'],
            ['Name', `${freshName(random)}.bin`],
            ['CreatedAt', '2026-01-01T00:00:00Z'],
            ['UpdatedAt', '2026-01-02T00:00:00.123Z'],
          ],
          headers: [['content-type', 'application/octet-stream']],
          body: random.bytes(random.pick([0, 1, 1000, 70_000])),
        }),
  'POST /files': (_world, random) =>
    draft('POST', '/files/', {
      query: [
        ['Type', 'file'],
        ['Name', `${freshName(random)}.txt`],
      ],
      headers: [['content-type', 'text/plain']],
      body: Buffer.from('in the root'),
    }),
  'PUT /files/{id}': async (world, random) => {
    const { id, rev } = await freshFile(world, random)
    return draft('PUT', `/files/${id}`, {
      headers: [
        ['content-type', 'text/plain'],
        ['if-match', rev],
      ],
      body: random.bytes(2000),
    })
  },
  'PATCH /files/{id}': async (world, random) => {
    const { id, rev } = await freshFile(world, random)
    const value = random.pick([
      { name: `${freshName(random)}.pdf` },
      { dir_id: 'io.cozy.files.root-dir' },
      { tags: ['x'], updated_at: '2030-01-01T00:00:00Z', executable: true, class: 'pdf' },
      { metadata: { a: { b: [1] } }, cozyMetadata: { favorite: true } },
      { permanent_delete: true },
      { move_to_trash: true },
    ])
    return draft('PATCH', `/files/${id}`, {
      json: attributes(value),
      headers: [
        ['content-type', 'application/json'],
        ['if-match', rev],
      ],
    })
  },
  'PATCH /files': async (world, random) => {
    const { id } = await freshFile(world, random)
    return draft('PATCH', '/files/', {
      json: {
        data: [
          { type: 'io.cozy.files', id, attributes: { tags: ['b'] } },
          { type: 'io.cozy.files', id: 'none', attributes: { name: 'x' } },
        ],
      },
      headers: [['content-type', 'application/json']],
    })
  },
  'DELETE /files/{id}': async (world, random) => draft('DELETE', `/files/${(await freshFile(world, random)).id}`),
  'GET /files/{id}/relationships/contents': withoutBody('GET', w => `/files/${w.directory}/relationships/contents`, [
    ['page[limit]', '3'],
    ['page[skip]', '1'],
  ]),
  'GET /files/{id}/size': withoutBody('GET', w => `/files/${w.directory}/size`),
  'POST /files/_find': withJson(
    'POST',
    () => '/files/_find',
    (_w, r) =>
      r.chance(0.3) ? { selector: { name: { $gt: null } }, use_index: 'x', fields: ['name', 'path'] } : mango(r),
    [['page[limit]', '3']],
  ),
  'POST /files/_all_docs': withJson(
    'POST',
    () => '/files/_all_docs',
    (w, r) => ({ keys: [aFile(w, r), 'none', w.directory] }),
  ),
  'GET /files/_changes': withoutBody('GET', () => '/files/_changes', [
    ['since', '0'],
    ['include_docs', 'true'],
    ['limit', '5'],
    ['fields', 'name,dir_id'],
    ['include_file_path', 'true'],
  ]),
  'GET /files/download': withoutBody('GET', () => '/files/download', [
    ['Path', '%2FFuzzed%2Ff1.txt'],
    ['Dl', '1'],
  ]),
  'GET /files/download/{id}': (world, random) =>
    draft('GET', `/files/download/${aFile(world, random)}`, { headers: [['range', 'bytes=3-10']] }),
  'GET /files/download/{id}/{version}': withoutBody('GET', (w, r) => `/files/download/${aFile(w, r)}/abc`),
  'POST /files/downloads': withoutBody('POST', () => '/files/downloads', [
    ['Path', '%2FFuzzed%2Ff1.txt'],
    ['Filename', 'x.txt'],
  ]),
  'GET /files/downloads/{secret}/{name}': withoutBody('GET', (_w, r) => `/files/downloads/${freshName(r)}/x.txt`),
  'POST /files/archive': (world, random) =>
    draft('POST', '/files/archive', {
      json: attributes({ name: 'all', files: ['/Fuzzed/f1.txt'], ids: [aFile(world, random), world.directory] }),
      headers: [
        ['content-type', 'application/json'],
        ...(random.chance(0.3) ? [['accept', 'application/zip'] as [string, string]] : []),
      ],
    }),
  'GET /files/archive/{secret}/{name}': withoutBody('GET', (_w, r) => `/files/archive/${freshName(r)}/all.zip`),
  'GET /files/{id}/thumbnails/{secret}/{format}': withoutBody(
    'GET',
    (w, r) => `/files/${aFile(w, r)}/thumbnails/abc/${r.pick(['tiny', 'small', 'medium', 'large', 'huge'])}`,
  ),
  'POST /files/{id}/relationships/referenced_by': withJson(
    'POST',
    (w, r) => `/files/${aFile(w, r)}/relationships/referenced_by`,
    (_w, r) => references(r),
  ),
  'DELETE /files/{id}/relationships/referenced_by': withJson(
    'DELETE',
    (w, r) => `/files/${aFile(w, r)}/relationships/referenced_by`,
    (_w, r) => references(r),
  ),
  'POST /files/{id}/relationships/not_synchronized_on': withJson(
    'POST',
    w => `/files/${w.directory}/relationships/not_synchronized_on`,
    w => ({ data: [{ type: 'io.cozy.oauth.clients', id: w.client.id }] }),
  ),
  'DELETE /files/{id}/relationships/not_synchronized_on': withJson(
    'DELETE',
    w => `/files/${w.directory}/relationships/not_synchronized_on`,
    w => ({ data: [{ type: 'io.cozy.oauth.clients', id: w.client.id }] }),
  ),
  'POST /files/{id}/copy': withoutBody('POST', (w, r) => `/files/${aFile(w, r)}/copy`, [['Name', 'copy']]),
  'POST /files/upload/metadata': withJson(
    'POST',
    () => '/files/upload/metadata',
    () => ({ data: { type: 'io.cozy.files.metadata', attributes: { category: 'x', deep: { er: [1] } } } }),
  ),
  'POST /files/{id}/versions': withJson(
    'POST',
    (w, r) => `/files/${aFile(w, r)}/versions`,
    () => ({ data: { type: 'io.cozy.files.metadata', attributes: { x: 1 } } }),
  ),
  'POST /files/trash/{id}': async (world, random) => {
    const { id } = await freshFile(world, random)
    await world.ask('DELETE', `/files/${id}`)
    return draft('POST', `/files/trash/${id}`)
  },
  'DELETE /files/trash/{id}': async (world, random) => {
    const { id } = await freshFile(world, random)
    await world.ask('DELETE', `/files/${id}`)
    return draft('DELETE', `/files/trash/${id}`)
  },
  'POST /files/revert/{id}/{version}': withoutBody('POST', (w, r) => `/files/revert/${aFile(w, r)}/abc`),
  'PATCH /files/{id}/{version}': withJson(
    'PATCH',
    (w, r) => `/files/${aFile(w, r)}/abc`,
    () => attributes({ tags: ['kept'] }),
  ),
  'DELETE /files/{id}/{version}': withoutBody('DELETE', (w, r) => `/files/${aFile(w, r)}/abc`),
  'GET /permissions/{id}': withoutBody('GET', w => `/permissions/${w.permission}`),
  'PATCH /permissions/{id}': withJson(
    'PATCH',
    w => `/permissions/${w.permission}`,
    (w, r) =>
      attributes(
        r.pick([
          { permissions: rules(w) },
          { codes: { a: w.shareCode } },
          { password: 'x', expires_at: '2030-01-01T00:00:00Z' },
        ]),
      ),
  ),
  'PATCH /permissions/apps/{slug}': withJson(
    'PATCH',
    () => '/permissions/apps/drive',
    w => attributes({ permissions: rules(w) }),
  ),
  'PATCH /permissions/konnectors/{slug}': withJson(
    'PATCH',
    () => '/permissions/konnectors/acme',
    w => attributes({ permissions: rules(w) }),
  ),
  'POST /permissions': withJson(
    'POST',
    () => '/permissions',
    w => attributes({ permissions: rules(w), password: 'x', expires_at: '2030-01-01T00:00:00Z' }),
    [
      ['codes', 'a,b'],
      ['ttl', '1D'],
    ],
  ),
  'POST /permissions/exists': withJson(
    'POST',
    () => '/permissions/exists',
    (w, r) => ({
      data: [
        { type: 'io.cozy.files', id: w.directory },
        { type: 'io.cozy.tests', id: aDoc(r) },
      ],
    }),
  ),
  'GET /permissions/doctype/{doctype}/shared-by-link': withoutBody(
    'GET',
    () => '/permissions/doctype/io.cozy.files/shared-by-link',
    [['page[limit]', '3']],
  ),
  'POST /auth/login': withForm('/auth/login', () => ({
    passphrase: 'b'.repeat(43),
    redirect: 'http://localhost/',
    'long-run-session': '1',
    csrf_token: 'x',
  })),
  'POST /auth/share-by-link/password': withForm('/auth/share-by-link/password', w => ({
    perm_id: w.permission,
    password: 'x',
  })),
  'POST /auth/register': withJson('POST', () => '/auth/register', aClient),
  'GET /auth/register/{id}': toRegistered('GET'),
  'PUT /auth/register/{id}': toRegistered('PUT', w => ({ ...aClient(), client_id: w.client.id })),
  'GET /auth/authorize': w => {
    const wanted = {
      client_id: w.client.id,
      redirect_uri: 'http://localhost:3333/cb',
      state: 's',
      response_type: 'code',
      scope: 'io.cozy.tests io.cozy.files:GET',
    }
    return draft('GET', '/auth/authorize', {
      query: Object.entries(wanted).map(([name, value]) => [name, encoded(value)]),
      headers: [['cookie', w.session]],
    })
  },
  'POST /auth/authorize': w => {
    const form = {
      client_id: w.client.id,
      redirect_uri: 'http://localhost:3333/cb',
      state: 's',
      response_type: 'code',
      scope: 'io.cozy.tests',
      csrf_token: 'abcdefgh',
    }
    return draft('POST', '/auth/authorize', {
      body: Buffer.from(new URLSearchParams(form).toString()),
      headers: [
        ['content-type', 'application/x-www-form-urlencoded'],
        ['cookie', `${w.session}; _csrf=abcdefgh`],
      ],
    })
  },
  'POST /auth/access_token': withForm('/auth/access_token', w => ({
    grant_type: 'refresh_token',
    client_id: w.client.id,
    client_secret: w.client.secret,
    refresh_token: w.tokens.refresh!,
    code: 'x',
  })),
  'GET /accounts/{type}/start': w =>
    draft('GET', '/accounts/fuzz/start', {
      query: [
        ['state', 'x'],
        ['scope', 'a%20b'],
        ['slug', 'home'],
      ],
      headers: [['cookie', w.session]],
    }),
  'GET /accounts/{type}/redirect': withoutBody('GET', () => '/accounts/fuzz/redirect', [
    ['code', 'x'],
    ['state', 'y'],
  ]),
  'GET /accounts/{type}/{id}/manage': w =>
    draft('GET', '/accounts/fuzz/abc/manage', {
      query: [
        ['state', 'x'],
        ['connection_id', '1'],
      ],
      headers: [['cookie', w.session]],
    }),
  'GET /accounts/{type}/{id}/reconnect': w =>
    draft('GET', '/accounts/fuzz/abc/reconnect', {
      query: [
        ['state', 'x'],
        ['connection_id', '1'],
      ],
      headers: [['cookie', w.session]],
    }),
  'POST /accounts/{type}/{id}/refresh': async world => {
    const account = await world.ask('POST', '/data/io.cozy.accounts/', {
      account_type: 'fuzz',
      auth: { login: 'me', password: 'x' },
    })
    return draft('POST', `/accounts/fuzz/${account.id}/refresh`)
  },
  'PUT /settings/instance': withJson(
    'PUT',
    () => '/settings/instance',
    () => ({ data: { attributes: { public_name: 'Fuzz', tz: 'Europe/Paris', locale: 'fr', more: { a: 1 } } } }),
  ),
  'PUT /settings/passphrase': withJson(
    'PUT',
    () => '/settings/passphrase',
    () => ({ current_passphrase: 'b'.repeat(43), new_passphrase: 'c'.repeat(43), iterations: 650_000 }),
  ),
  'POST /settings/passphrase': withForm('/settings/passphrase', () => ({
    register_token: 'ab'.repeat(16),
    passphrase: 'c'.repeat(43),
    iterations: '650000',
  })),
  'POST /settings/passphrase/check': withJson(
    'POST',
    () => '/settings/passphrase/check',
    () => ({ passphrase: 'b'.repeat(43) }),
  ),
  'PUT /settings/hint': withJson(
    'PUT',
    () => '/settings/hint',
    () => ({ hint: 'the usual' }),
  ),
  'PUT /settings/instance/auth_mode': withJson(
    'PUT',
    () => '/settings/instance/auth_mode',
    () => ({ auth_mode: 'basic' }),
  ),
  'PUT /settings/avatar': () =>
    draft('PUT', '/settings/avatar', {
      headers: [['content-type', 'image/png']],
      body: Buffer.from('89504e470d0a1a0a', 'hex'),
    }),
  'POST /realtime/{doctype}/{id}': withJson(
    'POST',
    (_w, r) => `/realtime/io.cozy.tests/${aDoc(r)}`,
    () => ({ data: { hello: [1] } }),
  ),
}

/** Documents of other doctypes that have a life of their own. */
export const MORE: Template[] = [
  withJson(
    'POST',
    () => '/data/io.cozy.accounts/',
    () => ({
      account_type: 'acme',
      auth: { login: 'me', password: 'p', credentials_encrypted: 'x' },
      oauth: { access_token: 'a', refresh_token: 'b' },
      data: {},
    }),
  ),
  async world => {
    const { id, rev } = await world.ask('POST', '/data/io.cozy.accounts/', {
      account_type: 'acme',
      auth: { login: 'me', password: 'x' },
    })
    return draft('PUT', `/data/io.cozy.accounts/${id}`, {
      json: { _id: id, _rev: rev, account_type: 'acme', auth: { login: 'you', password: 'y' } },
      headers: [['content-type', 'application/json']],
    })
  },
  withJson(
    'POST',
    () => '/data/io.cozy.accounts/_bulk_docs',
    (_w, r) => ({
      docs: [
        { account_type: 'acme', auth: { password: 'z' } },
        { _id: freshName(r), auth: 'no object' },
      ],
    }),
  ),
  withJson(
    'POST',
    () => '/data/io.cozy.accounts/_find',
    (_w, r) => mango(r),
  ),
  withJson(
    'PUT',
    (_w, r) => `/data/io.cozy.settings/${freshName(r)}`,
    () => ({ any: 'thing' }),
  ),
  withJson(
    'POST',
    () => '/data/io.cozy.canaries/_find',
    (_w, r) => mango(r),
  ),
  withoutBody('GET', () => '/data/io.cozy.canaries/canary-1'),
  withoutBody('DELETE', () => '/data/io.cozy.canaries'),
  withJson(
    'PUT',
    () => '/data/io.cozy.canaries/canary-1',
    () => ({ a: 1 }),
  ),
  withJson(
    'POST',
    () => '/data/io.cozy.files/_find',
    (_w, r) => mango(r),
  ),
  withJson(
    'POST',
    () => '/data/io.cozy.bills/',
    () => ({ amount: 1, vendor: 'acme' }),
  ),
  w =>
    draft('GET', '/data/io.cozy.tests/canary-1', {
      headers: [
        ['host', 'other.example'],
        ['authorization', `Bearer ${w.tokens.wide}`],
      ],
    }),
  w =>
    draft('DELETE', '/data/io.cozy.tests', {
      headers: [
        ['host', 'other.example'],
        ['authorization', `Bearer ${w.tokens.victim}`],
      ],
    }),
  w =>
    draft('DELETE', '/files/trash', {
      headers: [
        ['host', 'other.example'],
        ['authorization', `Bearer ${w.tokens.wide}`],
      ],
    }),
]

const admin =
  (
    method: string,
    path: string,
    parts: (world: World, random: Random) => Partial<Pick<Draft, 'query' | 'json' | 'body'>> = () => ({}),
  ): Template =>
  (world, random) => {
    const given = parts(world, random)
    return draft(method, path, {
      listener: 'admin',
      ...given,
      headers: [
        ['authorization', world.adminAuthorization],
        ...('json' in given ? [['content-type', 'application/json'] as [string, string]] : []),
      ],
    })
  }
const V = '/instances/victim.example'

/** Routes of the administration, on its listener with its secret; about an instance that is there to suffer. */
export const ADMIN: Template[] = [
  admin('GET', '/instances', () => ({ query: [['limit', '2']] })),
  admin('POST', '/instances', (_w, r) => ({
    json: {
      domain: `n${r.int(8)}.example`,
      locale: 'en',
      tz: 'Europe/Paris',
      email: 'a@b.c',
      publicName: 'N',
      settings: { a: 1 },
      flags: { x: true },
    },
  })),
  admin('GET', V),
  admin('PATCH', V, () => ({ json: { locale: 'fr', tz: 'UTC', quotaBytes: 1000, flags: { x: 1 }, publicName: 'V' } })),
  (world, random) => admin('DELETE', `/instances/n${random.int(8)}.example`)(world, random),
  admin('GET', `${V}/passphrase`),
  admin('PUT', `${V}/passphrase`, () => ({ json: { passphrase: 'd'.repeat(43), iterations: 650_000, hint: 'x' } })),
  admin('POST', `${V}/register-token`),
  admin('POST', `${V}/export`, () => ({ json: { passphrase: 'x' } })),
  admin('POST', '/instances/import', (_w, r) => ({
    query: [['domain', `i${r.int(3)}.example`]],
    body: r.bytes(r.pick([0, 512, 5000])),
  })),
  admin('POST', '/instances/token', () => ({
    query: [
      ['Domain', 'victim.example'],
      ['Audience', 'cli'],
      ['Scope', 'io.cozy.tests'],
      ['Subject', 'x'],
      ['Expire', '1h'],
    ],
  })),
  admin('POST', '/instances/oauth_client', () => ({
    query: [
      ['Domain', 'victim.example'],
      ['RedirectURI', 'http://localhost/'],
      ['ClientName', 'x'],
      ['SoftwareID', 'y'],
    ],
  })),
  admin('GET', '/account_types'),
  admin('GET', '/account_types/fuzz'),
  admin('PUT', '/account_types/spare', () => ({
    json: {
      slug: 'acme',
      grant_mode: 'token',
      client_id: 'x',
      client_secret: 'y',
      auth_endpoint: 'http://127.0.0.1:9/',
      extras: { a: 'b' },
      secret: { any: 1 },
    },
  })),
  admin('DELETE', '/account_types/spare'),
  admin('GET', '/metrics'),
  admin('GET', '/status'),
  admin('GET', '/nothing'),
]

/** A route nobody wrote a template for: its path with ids that may be right, and its parameters. */
export function generic(method: string, path: string): Template {
  return (world, random) => {
    const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) => {
      if (name === 'doctype') return 'io.cozy.tests'
      if (name === 'docid') return aDoc(random)
      if (path.startsWith('/files/') && name === 'id') return aFile(world, random)
      return 'abc'
    })
    return draft(method, filled, { headers: [['cookie', world.session]] })
  }
}
