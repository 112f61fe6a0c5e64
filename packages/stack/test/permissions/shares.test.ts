import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { shownDocument } from '../../src/rooms/permissions/index.ts'
import { startRooms } from './help.ts'

const rooms = await startRooms()
after(() => rooms[Symbol.asyncDispose]())
const { instance, clock } = rooms

const RULES = { files: { type: 'io.cozy.files', verbs: ['GET'], values: ['folder'] } }
const drive = await rooms.app('drive', {
  files: { type: 'io.cozy.files' },
  contacts: { type: 'io.cozy.contacts' },
  perms: { type: 'io.cozy.permissions' },
})
const LARGER = /Attempt to create a larger permission set/

const share = (token: string | undefined, query: string, attributes: unknown = { permissions: RULES }) =>
  rooms.request(`/permissions?${query}`, token, {
    method: 'POST',
    body: { data: { type: 'io.cozy.permissions', attributes } },
  })
const created = async (query = 'codes=link', attributes?: unknown, token = drive) => {
  const answer = await share(token, query, attributes)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.data
}
const patch = (token: string, id: string, attributes: unknown) =>
  rooms.request(`/permissions/${id}`, token, { method: 'PATCH', body: { data: { attributes } } })
const opens = async (code: string, cookie?: string) => {
  const answer = await rooms.request('/permissions/self', code, cookie === undefined ? {} : { headers: { cookie } })
  return answer.status
}

describe('POST /permissions', () => {
  it('makes a share with a token and a short code for each name; 200, not 201', async () => {
    const { id, type, attributes, meta, links } = await created('codes=alice,bob')
    assert.equal(type, 'io.cozy.permissions')
    assert.match(id, /^[0-9a-f]{32}$/)
    assert.ok(meta.rev)
    assert.equal(links.self, `/permissions/${id}`)
    assert.equal(attributes.type, 'share')
    assert.equal(attributes.source_id, 'io.cozy.apps/drive')
    assert.deepEqual(attributes.permissions, RULES)
    assert.deepEqual(Object.keys(attributes.codes).sort(), ['alice', 'bob'])
    for (const name of ['alice', 'bob']) {
      assert.match(attributes.codes[name], /^[\w-]+\.[\w-]+\.[\w-]+$/)
      assert.match(attributes.shortcodes[name], /^[A-Za-z0-9]{12}$/)
    }
    const claims = JSON.parse(Buffer.from(attributes.codes.alice.split('.')[1], 'base64url').toString())
    assert.deepEqual([claims.aud, claims.iss, claims.sub], [['share'], instance.domain, 'alice'])
  })

  it('whose codes open what it names, and nothing else', async () => {
    const { id, attributes } = await created()
    for (const code of [attributes.codes.link, attributes.shortcodes.link, `${attributes.shortcodes.link}.`]) {
      const actor = await rooms.authenticate(instance, code)
      assert.equal(actor.kind, 'share')
      assert.equal(actor.subject, 'link')
      assert.equal(actor.permissionId, id)
      assert.equal(actor.grant.allowsId('GET', 'io.cozy.files', 'folder'), true)
      assert.equal(actor.grant.allowsId('GET', 'io.cozy.files', 'other'), false)
      assert.equal(actor.grant.allowsId('PUT', 'io.cozy.files', 'folder'), false)
    }
  })

  it('whose visitors see their own document without its codes', async () => {
    const { id, attributes } = await created('codes=link', { permissions: RULES, password: '' })
    const { status, json } = await rooms.request('/permissions/self', attributes.codes.link)
    assert.equal(status, 200)
    assert.equal(json.data.id, id)
    assert.equal(json.data.attributes.codes, undefined)
    assert.equal(json.data.attributes.shortcodes, undefined)
    assert.equal((await rooms.request(`/permissions/${id}`, attributes.codes.link)).status, 200)
    assert.equal(
      (await rooms.request(`/permissions/${id}`, drive)).json.data.attributes.codes.link,
      attributes.codes.link,
    )
  })

  it('two of one name in one second are two', async () => {
    const [one, two] = await Promise.all([created(), created()])
    assert.notEqual(one.attributes.codes.link, two.attributes.codes.link)
    assert.equal((await rooms.authenticate(instance, one.attributes.codes.link)).permissionId, one.id)
    assert.equal((await rooms.authenticate(instance, two.attributes.codes.link)).permissionId, two.id)
  })

  it('tiny codes only for an hour', async () => {
    assert.match((await created('codes=link&tiny=true&ttl=1h')).attributes.shortcodes.link, /^\d{6}$/)
    assert.match((await created('codes=link&tiny=true&ttl=61m')).attributes.shortcodes.link, /^\w{12}$/)
    assert.match((await created('codes=link&tiny=true')).attributes.shortcodes.link, /^\w{12}$/)
    assert.match((await created('codes=link&tiny=false&ttl=1h')).attributes.shortcodes.link, /^\w{12}$/)
  })

  it('a ttl ends it, in any unit', async () => {
    const now = clock.now().getTime()
    for (const [ttl, seconds] of [
      ['10s', 10],
      ['2m', 120],
      ['3h', 10_800],
      ['1D', 86_400],
      ['1W', 604_800],
      ['1M', 2_592_000],
      ['1Y', 31_536_000],
      ['1D12h', 129_600],
    ] as const) {
      const { attributes } = await created(`codes=link&ttl=${ttl}`)
      assert.equal(Date.parse(attributes.expires_at), now + seconds * 1000, ttl)
    }
    for (const ttl of ['x', '1', '-1D', '0s', '1.5D', '1d', '99999999Y', 'D1', '%00']) {
      const answer = await share(drive, `codes=link&ttl=${ttl}`)
      assert.equal(answer.status, 422, ttl)
      assert.equal(answer.json.errors[0].source.parameter, 'ttl')
    }
  })

  it('an expires_at must be RFC 3339', async () => {
    const { attributes } = await created('codes=link', { permissions: RULES, expires_at: '2130-01-01T10:00:00+02:00' })
    assert.equal(attributes.expires_at, '2130-01-01T08:00:00.000Z')
    for (const expires_at of ['tomorrow', '2130-01-01', '2130-13-01T00:00:00Z', '2130-01-01 00:00:00Z', 5, {}, true]) {
      const answer = await share(drive, 'codes=link', { permissions: RULES, expires_at })
      assert.equal(answer.status, 422, JSON.stringify(expires_at))
      assert.equal(answer.json.errors[0].source.pointer, 'expires_at')
    }
  })

  for (const [what, attributes, status, message] of [
    ['more than the caller has', { permissions: { b: { type: 'io.cozy.bills' } } }, 403, LARGER],
    [
      'doctypes nobody may write',
      { permissions: { p: { type: 'io.cozy.permissions', verbs: ['GET'] } } },
      403,
      /reserved doctype `io.cozy.permissions` unwritable/,
    ],
    ['no rules', { permissions: {} }, 400, /empty or malformed/],
    ['no permissions', {}, 400, /empty or malformed/],
    ['unknown verbs', { permissions: { f: { type: 'io.cozy.files', verbs: ['EAT'] } } }, 400, /empty or malformed/],
    ['no doctype', { permissions: { f: { type: 'io.*' } } }, 403, /not a valid doctype/],
    ['a password that is none', { permissions: RULES, password: true }, 422, /password/],
    ['a password that is a book', { permissions: RULES, password: 'x'.repeat(2000) }, 422, /password/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const answer = await share(drive, 'codes=link', attributes)
      assert.equal(answer.status, status, answer.text)
      assert.match(answer.text, message)
    })
  }

  it('refuses a wildcard that takes in what nobody may write', async () => {
    const flagship = await rooms.client('flag', '*', { flagship: true })
    const wild = (type: string) => share(flagship, 'codes=link', { permissions: { w: { type, verbs: ['GET'] } } })
    assert.equal((await wild('io.cozy.oauth.*')).status, 403)
    assert.equal((await wild('io.cozy.bank.*')).status, 200)
  })

  it('is for apps, konnectors, clients and administrators', async () => {
    const konnector = await rooms.konnector('acme', { files: { type: 'io.cozy.files' } })
    const client = await rooms.client('c1', 'io.cozy.files:GET')
    for (const [token, source] of [
      [konnector, 'io.cozy.konnectors/acme'],
      [client, 'io.cozy.oauth.clients/c1'],
    ] as const) {
      assert.equal((await created('codes=link', undefined, token)).attributes.source_id, source)
    }
    const forOther = { permissions: RULES, source_id: 'io.cozy.apps/drive' }
    assert.equal(
      (await created('codes=link', forOther, await rooms.cli('io.cozy.files'))).attributes.source_id,
      'io.cozy.apps/drive',
    )
    // Nobody else says in whose name.
    assert.equal((await created('codes=link', forOther, client)).attributes.source_id, 'io.cozy.oauth.clients/c1')

    const visitor = (await created()).attributes.codes.link
    const again = await share(visitor, 'codes=link')
    assert.equal(again.status, 403)
    assert.match(again.text, /Only apps can create sharing permissions/)
    assert.equal((await share(undefined, 'codes=link')).status, 401)
  })

  it('takes names that JavaScript has plans for', async () => {
    const { attributes } = await created('codes=__proto__,constructor,%00,a%20b')
    assert.equal(Object.keys(attributes.codes).length, 4)
    assert.equal(await opens(attributes.codes.constructor), 200)
    assert.equal((await share(drive, `codes=${Array.from({ length: 101 }, (_, at) => at).join()}`)).status, 422)
  })
})

describe('a password', () => {
  it('is asked for, given once, and never shown', async () => {
    const { id, attributes } = await created('codes=link', { permissions: RULES, password: 'sesame' })
    assert.equal(attributes.password, true)
    const { link } = attributes.codes
    const { status, text } = await rooms.request('/permissions/self', link)
    assert.equal(status, 400)
    assert.match(text, /Invalid JWT token/)

    const give = (password: string, perm_id = id) =>
      rooms.request('/auth/share-by-link/password', undefined, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ password, perm_id }).toString(),
      })
    for (const wrong of ['', 'Sesame', 'sesame ']) assert.equal((await give(wrong)).status, 403)
    assert.equal((await give('sesame', 'nothing')).status, 403)
    assert.equal((await give('sesame', '\u0000')).status, 403)
    const good = await give('sesame')
    assert.equal(good.status, 204)
    const setCookie = String(good.headers['set-cookie'])
    assert.match(setCookie, new RegExp(`^pass${id}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Lax$`))
    const cookie = setCookie.split(';', 1)[0]!
    assert.equal(await opens(link, cookie), 200)
    assert.equal(await opens(link, `a=b; ${cookie}; c=d`), 200)
    for (const bad of ['', `pass${id}=`, `${cookie}x`, cookie.slice(0, -1), cookie.replace('pass', 'pas')]) {
      assert.equal(await opens(link, bad), 400, bad)
    }
    const own = await rooms.request(`/permissions/${id}`, drive)
    assert.equal(own.json.data.attributes.password, true)
    assert.doesNotMatch(own.text, /sesame|scrypt/)

    // Another password: the cookie of the first is void.
    assert.equal((await patch(drive, id, { password: 'other' })).status, 200)
    assert.equal(await opens(link, cookie), 400)
    assert.equal((await patch(drive, id, { password: '' })).json.data.attributes.password, undefined)
    assert.equal(await opens(link), 200)
  })

  it('is not in what listeners of the news are shown, nor are the codes', async () => {
    const heard: Record<string, unknown>[] = []
    const end = rooms.ground.news.subscribe(({ doctype, doc }) => {
      if (doctype === 'io.cozy.permissions') heard.push(shownDocument(doc))
    })
    const { id, attributes } = await created('codes=link', { permissions: RULES, password: 'sesame' })
    end()
    assert.deepEqual(
      heard.map(({ _id, password, permissions }) => [_id, password, permissions]),
      [[id, true, RULES]],
    )
    const text = JSON.stringify(heard)
    assert.doesNotMatch(text, /scrypt|"order"/)
    for (const code of [attributes.codes.link, attributes.shortcodes.link]) assert.ok(!text.includes(code))
  })

  it('cannot be tried for ever', async () => {
    const { id } = await created('codes=link', { permissions: RULES, password: 'sesame' })
    const statuses = []
    for (let tried = 0; tried < 22; tried++) {
      const { status } = await rooms.request('/auth/share-by-link/password', undefined, {
        method: 'POST',
        body: { password: `p${tried}`, perm_id: id },
      })
      statuses.push(status)
    }
    assert.deepEqual(statuses.slice(-2), [429, 429])
    assert.ok(statuses.slice(0, 20).every(status => status === 403))
  })
})

describe('codes', () => {
  it('that nobody made open nothing', async () => {
    for (const code of ['123456', 'AAAAAAAAAAAA', '123456.', 'A_AAAAAAAAAA']) {
      const { status, text } = await rooms.request('/permissions/self', code)
      assert.equal(status, 400)
      assert.match(text, /Invalid JWT token/)
    }
  })

  it('of another instance open nothing here', async () => {
    const { instance: bob } = await rooms.instances.create({ domain: 'bob.localhost' })
    const { attributes } = await created()
    for (const code of [attributes.codes.link, attributes.shortcodes.link]) {
      await assert.rejects(rooms.authenticate(bob, code), { status: 400, message: 'Invalid JWT token' })
    }
  })

  it('tiny ones cannot be searched through', async () => {
    const { attributes } = await created('codes=link&tiny=true&ttl=1h')
    const { link } = attributes.shortcodes
    let asked = 0
    for (let guess = 0; guess < 130; guess++) {
      const code = String(guess).padStart(6, '0')
      if (code !== link) await assert.rejects(rooms.authenticate(instance, code), { status: 400 })
      asked++
    }
    assert.equal(asked, 130)
    // The right one is now a guess like any other; who has used it before goes on, and so does everybody later.
    await assert.rejects(rooms.authenticate(instance, link), { status: 400 })
    clock.forward(600_001)
    assert.equal((await rooms.authenticate(instance, link)).kind, 'share')
  })
})

describe('changing and ending a share', () => {
  it('keeps the codes that are named', async () => {
    const { id, attributes } = await created('codes=alice,bob')
    assert.equal(await opens(attributes.codes.bob), 200)
    const { status, json } = await patch(drive, id, { codes: { alice: 'whatever' } })
    assert.equal(status, 200)
    assert.deepEqual(json.data.attributes.codes, { alice: attributes.codes.alice })
    assert.deepEqual(json.data.attributes.shortcodes, { alice: attributes.shortcodes.alice })
    assert.equal(await opens(attributes.codes.alice), 200)
    assert.equal(await opens(attributes.codes.bob), 400)
    assert.equal(await opens(attributes.shortcodes.bob), 400)
    assert.equal((await patch(drive, id, { codes: ['alice'] })).status, 400)
  })

  it('sets its end and takes it away', async () => {
    const { id, attributes } = await created()
    assert.equal((await patch(drive, id, { expires_at: '2020-01-01T00:00:00Z' })).status, 200)
    assert.equal(await opens(attributes.codes.link), 400)
    assert.equal((await patch(drive, id, { expires_at: '' })).json.data.attributes.expires_at, undefined)
    assert.equal(await opens(attributes.codes.link), 200)
    const bad = await patch(drive, id, { expires_at: 'soon' })
    assert.equal(bad.status, 422)
    assert.equal(bad.json.errors[0].source.pointer, 'expires_at')
  })

  it('no value but an empty text takes a password away', async () => {
    const { id } = await created('codes=link', { permissions: RULES, password: 'sesame' })
    for (const password of [0, false, [], {}, true])
      assert.equal((await patch(drive, id, { password })).status, 422, JSON.stringify(password))
    assert.equal((await rooms.request(`/permissions/${id}`, drive)).json.data.attributes.password, true)
  })

  it('adds rules, but none that opens a reserved doctype', async () => {
    const { id } = await created()
    assert.equal(
      (await patch(drive, id, { permissions: { c: { type: 'io.cozy.contacts', verbs: ['GET'] } } })).status,
      200,
    )
    const { status, text } = await patch(drive, id, { permissions: { p: { type: 'io.cozy.permissions' } } })
    assert.equal(status, 403)
    assert.match(text, /reserved doctype/)
  })

  it('DELETE ends it: 204, its codes open nothing', async () => {
    const { id, attributes } = await created()
    assert.equal(await opens(attributes.codes.link), 200)
    const { status, text } = await rooms.request(`/permissions/${id}`, drive, { method: 'DELETE' })
    assert.equal(status, 204)
    assert.equal(text, '')
    assert.equal(await opens(attributes.codes.link), 400)
    assert.equal(await opens(attributes.shortcodes.link), 400)
    assert.equal((await rooms.request(`/permissions/${id}`, drive, { method: 'DELETE' })).status, 404)
  })

  it('is for who made it, or has all it allows; visitors never', async () => {
    const parent = /Permissions can be updated only by its parent/
    const reader = await rooms.app('reader', { files: { type: 'io.cozy.files', verbs: ['GET'] } })
    const partly = await rooms.app('partly', { files: { type: 'io.cozy.files', verbs: ['GET'], values: ['other'] } })
    const konnector = await rooms.konnector('whole', { files: { type: 'io.cozy.files' } })
    const { id, attributes } = await created()
    for (const token of [partly, konnector, attributes.codes.link]) {
      for (const answer of [
        await rooms.request(`/permissions/${id}`, token, { method: 'DELETE' }),
        await patch(token, id, { codes: {} }),
        await patch(token, id, { password: 'x' }),
      ]) {
        assert.equal(answer.status, 403)
        assert.match(answer.text, parent)
      }
    }
    for (const token of [reader, konnector, attributes.codes.link]) {
      assert.equal((await patch(token, id, { permissions: { files: {} } })).status, 403)
    }
    assert.equal((await rooms.request(`/permissions/${id}`, reader, { method: 'DELETE' })).status, 204)
  })

  it('a share whose rules were all taken away is not everybody’s', async () => {
    const { id } = await created()
    assert.equal((await patch(drive, id, { permissions: { files: {} } })).status, 200)
    const stranger = await rooms.app('stranger', { notes: { type: 'io.cozy.notes' } })
    assert.equal((await rooms.request(`/permissions/${id}`, stranger, { method: 'DELETE' })).status, 403)
  })

  it('documents of apps and konnectors are not deleted so', async () => {
    const { status } = await rooms.request('/permissions/io.cozy.apps%2Fdrive', drive, { method: 'DELETE' })
    assert.equal(status, 403)
  })
})

describe('what is shared by a link', () => {
  it('is listed page by page', async () => {
    const photos = await rooms.app('photos', { albums: { type: 'io.cozy.photos.albums' } })
    const rules = (id: string) => ({
      permissions: { a: { type: 'io.cozy.photos.albums', verbs: ['GET'], values: [id] } },
    })
    const made: string[] = []
    for (let at = 0; at < 7; at++) made.push((await created('codes=link', rules(`album${at}`), photos)).id)
    const path = '/permissions/doctype/io.cozy.photos.albums/shared-by-link'
    const found: string[] = []
    let next: string | undefined = `${path}?page[limit]=3`
    let pages = 0
    while (next) {
      const { status, json } = await rooms.request(next, photos)
      assert.equal(status, 200)
      assert.equal(json.meta.count, json.data.length)
      found.push(...json.data.map(({ id }: { id: string }) => id))
      if (json.links.next) assert.match(json.links.next, /page%5Blimit%5D=3.*page%5Bcursor%5D=%5B/)
      next = json.links.next
      pages++
    }
    assert.equal(pages, 3)
    assert.deepEqual(found, made.toSorted())
    assert.ok((await rooms.request(path, photos)).json.data[0].attributes.shortcodes.link)
    assert.deepEqual(
      (await rooms.request('/permissions/doctype/io.cozy.files/shared-by-link?page[limit]=500', drive)).json.links,
      {},
    )
  })

  it('to who may read the whole doctype: a JSON:API error otherwise', async () => {
    const narrow = await rooms.app('narrow', { files: { type: 'io.cozy.files', values: ['folder'] } })
    const { status, json } = await rooms.request('/permissions/doctype/io.cozy.files/shared-by-link', narrow)
    assert.equal(status, 403)
    assert.equal(json.errors[0].status, '403')
  })

  it('bad pages are 400', async () => {
    const path = '/permissions/doctype/io.cozy.files/shared-by-link'
    for (const query of [
      'page[limit]=x',
      'page[limit]=0',
      'page[limit]=-1',
      'page[cursor]=x',
      'page[cursor]=[]',
      'page[cursor]=[1]',
      'page[cursor]={}',
      'page[cursor]=["a","%00"]',
      'page[cursor]=["a","%5Cud800"]',
    ]) {
      assert.equal((await rooms.request(`${path}?${query}`, drive)).status, 400, query)
    }
    const flagship = await rooms.client('flag2', '*', { flagship: true })
    for (const doctype of ['%00', 'A', 'io.cozy.*', '%2e%2e']) {
      const { status } = await rooms.request(`/permissions/doctype/${doctype}/shared-by-link`, flagship)
      assert.ok(status === 403 || status === 404, `${doctype}: ${status}`)
    }
  })

  it('can be asked by id', async () => {
    const type = 'io.cozy.files'
    await created('codes=a', { permissions: { f: { type, verbs: ['GET'], values: ['x1', 'x2'] } } })
    await created('codes=b', {
      permissions: { f: { type, verbs: ['PATCH'], values: ['x2'] }, n: { type, selector: 'name', values: ['x3'] } },
    })
    await created('codes=c&ttl=1s', { permissions: { f: { type, values: ['x4'] } } })
    await created('codes=d', { permissions: { f: { type, values: ['x5'] } } })
    clock.forward(1000)
    const asked = ['x5', 'x2', 'x1', 'x3', 'x4', 'nothing', '\u0000', '\ud800'].map(id => ({ type, id }))
    const body = { data: [...asked, { type: 'io.cozy.contacts', id: 'x1' }, { type: '\u0000', id: 'x1' }] }
    const { status, json } = await rooms.request('/permissions/exists', drive, { method: 'POST', body })
    assert.equal(status, 200)
    assert.deepEqual(json, {
      data: [
        { type, id: 'x5', verbs: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] },
        { type, id: 'x2', verbs: ['GET', 'PATCH'] },
        { type, id: 'x1', verbs: ['GET'] },
      ],
    })
    assert.deepEqual((await rooms.request('/permissions/exists', drive, { method: 'POST', body: { data: [] } })).json, {
      data: [],
    })
    for (const bad of [{}, { data: {} }, { data: [{}] }, { data: [{ type, id: 1 }] }]) {
      assert.equal((await rooms.request('/permissions/exists', drive, { method: 'POST', body: bad })).status, 400)
    }
  })
})

describe('a share that is over', () => {
  it('an expired one answers 400, also to who has used it before', async () => {
    const { attributes } = await created('codes=link&ttl=1h&tiny=true')
    const { link } = attributes.codes
    assert.equal(await opens(link), 200)
    assert.equal(await opens(attributes.shortcodes.link), 200)
    clock.forward(3_600_000)
    const drive2 = await rooms.mint({ audience: 'app', subject: 'drive' })
    const { status, headers } = await rooms.request('/permissions/self', link)
    assert.equal(status, 400)
    assert.match(String(headers['www-authenticate']), /invalid_token/)
    assert.equal(await opens(attributes.shortcodes.link), 400)
    assert.equal(await opens(drive2), 200)
  })
})
