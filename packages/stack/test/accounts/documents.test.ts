import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { replayEveryVersion } from '../../src/ground/database/replay.ts'
import { SOFT_DELETED } from '../../src/rooms/accounts/index.ts'
import { ACCOUNTS, ALL_MIGRATIONS, type House, openHouse } from './help.ts'

let house: House
before(async () => {
  house = await openHouse()
})
after(async () => {
  noSecretIn(house.lines.join(''))
  await house[Symbol.asyncDispose]()
})
beforeEach(() => void house.events.splice(0))

const SECRETS = { password: 'S3CR3T-pw', session: { cookies: ['S3CR3T-cookie'] }, dob: 'S3CR3T-dob' }
const acme = () => ({
  account_type: 'acme',
  auth: { login: 'me@mail.net', ...SECRETS },
  data: { keep: 1, auth: { secret: 'S3CR3T-data', zip: '75' } },
  oauth: {
    access_token: 'S3CR3T-at',
    refresh_token: 'S3CR3T-rt',
    token_type: 'bearer',
    query: { code: ['S3CR3T-code'] },
  },
})

/** A new account of alice's, made by a UI. */
async function made(body: object = acme()) {
  const answer = await house.alice.as('ui').post(body)
  assert.equal(answer.status, 201, answer.text)
  return { ...answer.json, text: answer.text } as { id: string; rev: string; data: Record<string, never>; text: string }
}

const noSecretIn = (text: string) => assert.doesNotMatch(text, /S3CR3T/)

test('POST: sealed at rest and in the answer, named, with the metadata of the server', async () => {
  const { id, rev, data, text } = await made({
    ...acme(),
    cozyMetadata: { createdByApp: 'liar', sourceAccountIdentifier: 'x' },
  })
  noSecretIn(text)
  noSecretIn(await house.alice.dump())
  assert.match(rev, /^1-/)
  const { auth, cozyMetadata, name, ...rest } = data as Record<string, unknown>
  assert.equal(name, 'me@mail.net')
  assert.deepEqual(Object.keys(auth as object), [
    'login',
    'credentials_encrypted',
    'session_encrypted',
    'dob_encrypted',
  ])
  const { createdAt, ...metadata } = cozyMetadata as Record<string, string>
  assert.deepEqual(metadata, {
    metadataVersion: 1,
    updatedAt: createdAt,
    createdByApp: 'home',
    createdByAppVersion: '1.2.3',
    updatedByApps: [{ slug: 'home', date: createdAt, version: '1.2.3' }],
  })
  assert.deepEqual((rest.data as { keep: number }).keep, 1)
  assert.equal((await house.alice.stored(id))?.rev, rev)
})

test('the name is that of the identifier, and never a secret', async () => {
  const named = async (body: object) => (await made({ account_type: 'acme', ...body })).data.name
  assert.equal(await named({ identifier: 'email', auth: { email: 'e@x', login: 'l' } }), 'e@x')
  assert.equal(await named({ identifier: 'email', auth: { login: 'l' } }), undefined)
  assert.equal(await named({ name: 'mine', auth: { zip: '75' } }), 'mine')
  for (const identifier of ['password', 'secret', 'session']) {
    const { text } = await made({
      identifier,
      auth: { login: 'l', password: 'S3CR3T-1', secret: 'S3CR3T-2', session: 'S3CR3T-3' },
    })
    noSecretIn(text)
  }
  for (const auth of [null, 3, 'x', [], { login: 4 }, { login: '' }]) assert.equal(await named({ auth }), undefined)
})

test('who made it: the app behind an OAuth client; nobody for a client of its own or the CLI', async () => {
  const by = async (token: string) => (await house.alice.as(token).post(acme())).json.data.cozyMetadata
  assert.equal((await by('linked')).createdByApp, 'drive')
  assert.equal((await by('konn:acme')).createdByApp, 'acme')
  for (const token of ['client', 'cli']) {
    const metadata = await by(token)
    assert.deepEqual(Object.keys(metadata), ['metadataVersion', 'createdAt', 'updatedAt'])
  }
})

test('[do not copy] a PUT with a fixed id is sealed too', async () => {
  const sourceAccountIdentifier = 'me@mail.net'
  const { status, json } = await house.alice
    .as('ui')
    .put('bi-aggregator', { ...acme(), cozyMetadata: { sourceAccountIdentifier } })
  assert.deepEqual([json.data.name, json.data.cozyMetadata], ['me@mail.net', { sourceAccountIdentifier }])
  assert.equal(status, 200)
  noSecretIn(JSON.stringify(json.data.auth) + (await house.alice.dump()))
  const seen = await house.alice.as('konn:acme').get('bi-aggregator')
  assert.deepEqual(seen.json.auth, { login: 'me@mail.net', ...SECRETS })
})

test('[do not copy] _bulk_docs seals new, changed and replicated accounts, and its deletions run the hook', async () => {
  const bulk = async (body: object) => {
    const answer = await house.alice.as('ui').request(`/data/${ACCOUNTS}/_bulk_docs`, { method: 'POST', body })
    assert.equal(answer.status, 201, answer.text)
    return answer.json as { id: string; rev: string; ok: boolean }[]
  }
  const [one, two] = await bulk({ docs: [acme(), { _id: 'bulk2', ...acme() }] })
  const replicated = {
    _id: 'bulk3',
    _rev: '2-b',
    _revisions: { start: 2, ids: ['b', 'a'] },
    ...acme(),
    cozyMetadata: { metadataVersion: 1 },
  }
  await bulk({ new_edits: false, docs: [replicated] })
  const [changed] = await bulk({
    docs: [{ ...acme(), _id: two!.id, _rev: two!.rev, auth: { password: 'S3CR3T-new' } }],
  })
  noSecretIn(await house.alice.dump())
  assert.deepEqual(
    (await house.alice.stored('bulk3'))!.body.cozyMetadata,
    { metadataVersion: 1 },
    'as it was elsewhere',
  )
  assert.deepEqual((await house.alice.as('konn:acme').get(two!.id)).json.auth, { password: 'S3CR3T-new' })
  assert.deepEqual((await house.alice.as('konn:acme').get('bulk3')).json.auth.password, SECRETS.password)
  await bulk({
    docs: [
      { _id: one!.id, _rev: one!.rev, _deleted: true },
      { _id: changed!.id, _rev: changed!.rev, _deleted: true },
    ],
  })
  for (const { id } of [one!, changed!]) assert.equal((await house.alice.stored(id, SOFT_DELETED))?.deleted, false)
})

test('lists, queries, changes, replication and events show the sealed form, to everybody', async () => {
  const { id } = await made()
  for (const token of ['ui', 'service', 'cli', 'konn:acme', `konn:acme:${id}`]) {
    const { request } = house.alice.as(token)
    const post = (path: string, body: object) => request(`/data/${ACCOUNTS}/${path}`, { method: 'POST', body })
    const answers = [
      await request(`/data/${ACCOUNTS}/_all_docs?include_docs=true&include=credentials`),
      await post('_all_docs?include_docs=true', { keys: [id] }),
      await request(`/data/${ACCOUNTS}/_all_docs?Fields=auth,oauth,data`),
      await request(`/data/${ACCOUNTS}/_normal_docs`),
      await request(`/data/${ACCOUNTS}/_changes?include_docs=true`),
      await post('_find', { selector: { _id: id } }),
      await post('_bulk_get', { docs: [{ id }] }),
      await request(`/data/${ACCOUNTS}/${id}?open_revs=all&include=credentials`),
    ]
    for (const { status, text } of answers) {
      assert.equal(status, 200, text)
      assert.match(text, /credentials_encrypted/)
      noSecretIn(text)
    }
  }
  assert.ok(house.events.some(({ doctype }) => doctype === ACCOUNTS))
  noSecretIn(JSON.stringify(house.events.map(({ doc, before }) => [doc, before])))
})

test('a single GET and the answer of a PUT open for whom they should, and for nobody else', async t => {
  const mine = await made()
  const other = await made({ ...acme(), account_type: 'bank' })
  const cases: [string, string, string, boolean][] = [
    ["the run's own account", `konn:acme:${mine.id}`, '', true],
    ['another account, in a run', `konn:acme:${other.id}`, '', false],
    ['the konnector of the type', 'konn:acme', '', true],
    ['another konnector', 'konn:bank', '', false],
    ['another konnector that asks for it', 'konn:bank', '?include=credentials', false],
    ['a service that asks for it', 'service', '?include=credentials', true],
    ['a service that does not', 'service', '', false],
    ['a service that asks for something else', 'service', '?include=files', false],
    ['an app in a browser that asks for it', 'ui', '?include=credentials', false],
    ['an OAuth client that asks for it', 'client', '?include=credentials', false],
    ['the CLI', 'cli', '?include=credentials', false],
  ]
  for (const [name, token, query, opens] of cases) {
    await t.test(name, async () => {
      const { get, request } = house.alice.as(token)
      const answer = await get(mine.id, query)
      assert.equal(answer.status, 200)
      const { auth, data, oauth, _rev, _type } = answer.json
      assert.equal(_type, ACCOUNTS)
      const put = await request(`/data/${ACCOUNTS}/${mine.id}${query}`, {
        method: 'PUT',
        body: { ...answer.json, state: name, _rev },
      })
      assert.equal(put.status, 200, put.text)
      for (const text of [answer.text, put.text]) {
        if (!opens) noSecretIn(text)
      }
      if (!opens) return
      assert.deepEqual(auth, { login: 'me@mail.net', ...SECRETS })
      assert.deepEqual(data.auth, { secret: 'S3CR3T-data', zip: '75' })
      assert.deepEqual(
        [oauth.access_token, oauth.refresh_token, oauth.query],
        ['S3CR3T-at', 'S3CR3T-rt', { code: ['S3CR3T-code'] }],
      )
      assert.deepEqual(put.json.data.auth, auth)
    })
  }
  // After all of these updates, by UIs and konnectors, nothing was lost.
  assert.deepEqual((await house.alice.as('konn:acme').get(mine.id)).json.auth, { login: 'me@mail.net', ...SECRETS })
  noSecretIn(await house.alice.dump())
})

test('a token without the permission gets nothing, secrets or not', async () => {
  const { id, rev } = await made({ ...acme(), account_type: 'acme' })
  const { get, put, post, remove } = house.alice.as('stranger')
  for (const answer of [
    await get(id),
    await get(id, `?rev=${rev}`),
    await put(id, { _id: id, _rev: rev }),
    await post(acme()),
    await remove(id, rev),
  ]) {
    assert.equal(answer.status, 403)
    noSecretIn(answer.text)
  }
  assert.equal((await house.bob.as('konn:acme').get(id)).status, 404)
})

test('a konnector cannot take over the account of another one', async () => {
  const { id, rev } = await made({ ...acme(), account_type: 'bank' })
  const evil = house.alice.as('konn:evil')
  const seen = (await evil.get(id)).json
  assert.equal((await evil.put(id, { ...seen, account_type: 'evil' })).status, 403)
  const bulk = await evil.request(`/data/${ACCOUNTS}/_bulk_docs`, {
    method: 'POST',
    body: { docs: [{ ...seen, _type: undefined, account_type: 'evil' }] },
  })
  assert.equal(bulk.json[0].ok, undefined, bulk.text)
  assert.equal((await house.alice.stored(id))?.rev, rev)
  // Nor by making it again, under its id, as one of its own.
  const gone = await evil.remove(id, rev)
  assert.equal(gone.status, 200)
  const { _id, _rev, _type, ...content } = seen
  const again = await evil.put(id, { ...content, account_type: 'evil' })
  assert.equal(again.status, 200)
  noSecretIn(again.text + (await evil.get(id)).text + (await house.alice.as(`konn:evil:${id}`).get(id)).text)
  // Nor by copying what it sees into an account of its own.
  const own = (await evil.post({ account_type: 'evil', auth: seen.auth, data: seen.data, oauth: seen.oauth })).json
  noSecretIn((await house.alice.as(`konn:evil:${own.id}`).get(own.id)).text)
})

test('a person may change the type of an account: its new konnector opens it, the old one no more', async () => {
  const { id, rev, data } = await made()
  const changed = await house.alice.as('ui').put(id, { ...data, _id: id, _rev: rev, account_type: 'acme2' })
  assert.equal(changed.status, 200)
  assert.deepEqual((await house.alice.as('konn:acme2').get(id)).json.auth, { login: 'me@mail.net', ...SECRETS })
  noSecretIn((await house.alice.as('konn:acme').get(id)).text)
})

test('update: metadata is added when it is not there, and left alone when it is', async () => {
  const { id, rev } = await made()
  const kept = { metadataVersion: 1, sourceAccountIdentifier: 'me@mail.net' }
  const one = await house.alice.as('ui').put(id, { _id: id, _rev: rev, account_type: 'acme', cozyMetadata: kept })
  assert.deepEqual(one.json.data.cozyMetadata, kept)
  const two = await house.alice.as('konn:acme').put(id, { _id: id, _rev: one.json.rev, account_type: 'acme' })
  assert.equal(two.json.data.cozyMetadata.createdByApp, 'acme')
})

test('what is left out of an update is gone: a konnector can forget a session', async () => {
  const { id } = await made()
  const konnector = house.alice.as(`konn:acme:${id}`)
  const { session, ...auth } = (await konnector.get(id)).json.auth
  const seen = (await konnector.get(id)).json
  const put = await konnector.put(id, { ...seen, auth })
  assert.deepEqual(put.json.data.auth, auth)
  assert.deepEqual((await konnector.get(id)).json.auth, auth)
})

test('wrong types anywhere: stored, shown, never a 500', async () => {
  const odd = [null, 0, true, 'x', [], [1], {}, { a: null }]
  for (const value of odd) {
    for (const body of [
      { auth: value },
      { auth: { password: value, login: value, session: value } },
      { data: value },
      { data: { auth: value, data: { auth: { secret: value } } } },
      { oauth: value },
      { oauth: { access_token: value, query: value } },
      { oauth_callback_results: value },
      { account_type: value, identifier: value, name: value, auth: { password: 'S3CR3T' } },
      { cozyMetadata: value },
    ]) {
      const { id, rev } = await made({ account_type: 'acme', ...body })
      const seen = await house.alice.as(`konn:acme:${id}`).get(id)
      assert.equal(seen.status, 200)
      const { _id, _rev, _type, cozyMetadata, name, ...content } = seen.json
      if (!('cozyMetadata' in body) && !('name' in body)) assert.deepEqual(content, { account_type: 'acme', ...body })
      assert.equal((await house.alice.as('ui').put(id, { ...seen.json })).status, 200)
      const deleted = await house.alice.as('ui').remove(id, (await house.alice.stored(id))!.rev)
      assert.equal(deleted.status, 200, `${rev} ${deleted.text}`)
    }
  }
  noSecretIn(await house.alice.dump())
})

test('a deleted account: hook, soft-deleted copy, opened with ?rev= by its konnector', async () => {
  const { id, rev } = await made()
  const heard: unknown[] = []
  let refuse = true
  house.accounts.onDeleted(async (writer, { account, rev: last }) => {
    if (account.id !== id) return
    heard.push([writer.tenant.domain, account.id, account.body.account_type, last])
    if (refuse) throw new Error('not now')
  })
  assert.equal((await house.alice.as('ui').remove(id, rev)).status, 500)
  assert.equal((await house.alice.stored(id))?.deleted, false, 'all or nothing')
  refuse = false
  assert.equal((await house.alice.as('ui').remove(id, rev)).status, 200)
  assert.deepEqual(heard.at(-1), [house.alice.instance.domain, id, 'acme', rev])

  const copy = await house.alice.stored(id, SOFT_DELETED)
  assert.equal(copy?.body.soft_deleted_rev, rev)
  noSecretIn(copy?.text ?? '')
  const konnector = house.alice.as(`konn:acme:${id}`)
  assert.equal((await konnector.get(id)).status, 404)
  const seen = await konnector.get(id, `?rev=${rev}`)
  assert.equal(seen.status, 200, seen.text)
  assert.deepEqual([seen.json._id, seen.json._rev, seen.json.soft_deleted_rev], [id, rev, undefined])
  assert.deepEqual(seen.json.auth, { login: 'me@mail.net', ...SECRETS })
  const sealed = await house.alice.as('ui').get(id, `?rev=${rev}`)
  assert.equal(sealed.status, 200)
  noSecretIn(sealed.text)
  assert.equal((await konnector.get(id, '?rev=1-0')).status, 404)
  assert.equal((await house.alice.as('stranger').get(id, `?rev=${rev}`)).status, 403)
  assert.equal((await house.alice.as('ui').request(`/data/${SOFT_DELETED}/${id}`)).status, 403, 'reserved')

  // The cleaning run went well.
  const remove = () =>
    house.ground.documents.transaction(house.alice.instance, writer => house.accounts.removeSoftDeleted(writer, id))
  assert.deepEqual([await remove(), await remove()], [true, false])
  assert.equal((await konnector.get(id, `?rev=${rev}`)).status, 404)
})

test('deleted, made again and deleted again: the copy is the last one', async () => {
  const ui = house.alice.as('ui')
  const revs: string[] = []
  for (const password of ['S3CR3T-1', 'S3CR3T-2']) {
    const { json } = await ui.put('again', { account_type: 'acme', auth: { password } })
    revs.push(json.rev)
    assert.equal((await ui.remove('again', json.rev)).status, 200)
  }
  const konnector = house.alice.as('konn:acme')
  assert.equal((await konnector.get('again', `?rev=${revs[0]}`)).status, 404)
  assert.equal((await konnector.get('again', `?rev=${revs[1]}`)).json.auth.password, 'S3CR3T-2')
})

test('manual_cleaning disables the hook; an account without type leaves no copy', async () => {
  let heard = 0
  house.accounts.onDeleted(async () => {
    heard++
  })
  const manual = await made({ ...acme(), manual_cleaning: true })
  await house.alice.as('ui').remove(manual.id, manual.rev)
  assert.equal(heard, 0)
  const untyped = await made({ auth: { password: 'S3CR3T' } })
  await house.alice.as('ui').remove(untyped.id, untyped.rev)
  assert.equal(heard, 1)
  for (const { id } of [manual, untyped]) assert.equal(await house.alice.stored(id, SOFT_DELETED), undefined)
})

test('an account from before there was a key: a GET seals it, under a new revision', async () => {
  const plain = await house.ground.documents.of(house.alice.instance).create(ACCOUNTS, acme())
  const seen = await house.alice.as('ui').get(plain.id)
  noSecretIn(seen.text)
  const stored = await house.alice.stored(plain.id)
  assert.match(stored!.rev, /^2-/)
  assert.equal(seen.json._rev, stored!.rev, 'the reader can go on and update it')
  noSecretIn(stored!.text)
  assert.deepEqual((await house.alice.as('konn:acme').get(plain.id)).json.auth, { login: 'me@mail.net', ...SECRETS })
})

test('rotation: every account and soft-deleted copy is sealed with the new key, while people write', async () => {
  const { alice, accounts, keyring } = house
  const ids = (await Promise.all(Array.from({ length: 130 }, () => made()))).map(({ id }) => id)
  const last = ids.pop()!
  await alice.as('ui').remove(last, (await alice.stored(last))!.rev)
  const before = await alice.dump()
  let writes = 0
  const writing = (async () => {
    for (const id of ids.slice(0, 20)) {
      const konnector = alice.as('konn:acme')
      const put = await konnector.put(id, { ...(await konnector.get(id)).json, state: 'LOGIN_SUCCESS' })
      if (put.status === 200) writes++
      else assert.equal(put.status, 409)
    }
  })()
  const keyId = await keyring.rotateTenantKey(alice.instance.id, [() => accounts.reseal(alice.instance)])
  await writing
  assert.ok(writes > 0)
  const { rows } = await house.ground.database.driver.query(
    `select count(*)::int as count from konnectory.docs where instance_id = $1 and not deleted and id = any ($3)
       and doc #>> '{auth,credentials_encrypted}' not like $2`,
    [alice.instance.id, `k1.${keyId}.%`, [...ids, last]],
  )
  assert.equal(rows[0].count, 0)
  assert.ok(!before.includes(keyId))
  for (const id of ids) assert.equal((await alice.as('konn:acme').get(id)).json.auth.password, SECRETS.password)
  assert.equal(await accounts.reseal(alice.instance), 0, 'done is done')
})

test('the tables are the same from every earlier version', async () => {
  assert.ok((await replayEveryVersion(ALL_MIGRATIONS)) > 0)
})

test('an instance that travels takes its secrets along, sealed for the journey and for where it arrives', async () => {
  const { id } = await made()
  const gone = await made()
  await house.alice.as('ui').remove(gone.id, gone.rev)
  const { archive } = house.instances
  const bytesOf = async (passphrase?: string) =>
    Buffer.concat(await (await archive.export(house.alice.instance, { passphrase })).toArray())
  const packed = await bytesOf('a good passphrase')
  const { instance } = await archive.import(
    (async function* () {
      yield packed
    })(),
    { domain: 'carol.localhost', passphrase: 'a good passphrase' },
  )
  const opened = await house.accounts.open(instance, id)
  assert.deepEqual(opened?.auth, { login: 'me@mail.net', ...SECRETS })
  const [there, here] = await Promise.all(
    [instance, house.alice.instance].map(tenant => house.ground.documents.of(tenant).get(SOFT_DELETED, gone.id)),
  )
  const sealed = [there, here].map(copy => JSON.stringify(copy?.body.auth))
  assert.ok(/"credentials_encrypted":"k1\./.test(sealed[0]!) && sealed[0] !== sealed[1])
})
