import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestHouse } from '../help/house.ts'

const house = await startTestHouse()
after(() => house[Symbol.asyncDispose]())
const { oauth, permissions, instances } = house.rooms

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const put = (body: Uint8Array | string, scope: string | null = 'io.cozy.settings') =>
  house.request('/settings/avatar', { method: 'PUT', body, scope, headers: { 'content-type': 'image/png' } })
const avatar = (query = '') => house.request(`/public/avatar${query}`, { scope: null })

test('the avatar: whose settings one may not change, its picture neither', async () => {
  assert.equal((await put(PNG, null)).status, 401)
  assert.equal((await put(PNG, 'io.cozy.settings:GET')).status, 403)
  assert.equal((await put(PNG, 'io.cozy.settings:PUT:io.cozy.settings.instance')).status, 403)
  assert.equal(
    (await house.request('/settings/avatar', { method: 'DELETE', scope: 'io.cozy.settings:DELETE' })).status,
    403,
  )
})

test('the avatar: pictures only, by what they hold, and not huge ones', async () => {
  for (const wrong of [
    '',
    'hello',
    '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    '<html>',
    Buffer.from([0x89, 0x50]),
  ]) {
    assert.equal((await put(wrong)).status, 415, String(wrong))
  }
  assert.equal((await put(Buffer.concat([PNG, Buffer.alloc(1024 * 1024)]))).status, 413)
  assert.equal((await avatar('?fallback=404')).status, 404)
  const initial = await avatar()
  assert.deepEqual([initial.status, initial.headers['content-type']], [200, 'image/svg+xml'])
  assert.match(initial.text, /^<svg[^>]*>.*>L<\/text><\/svg>$/)

  assert.equal((await put(PNG)).status, 204)
  const shown = await avatar('?fallback=404')
  assert.deepEqual(
    [shown.status, shown.headers['content-type'], shown.headers['x-content-type-options']],
    [200, 'image/png', 'nosniff'],
  )
  assert.ok(shown.bytes.equals(PNG))
  assert.equal((await house.request('/settings/avatar', { method: 'DELETE', scope: 'io.cozy.settings' })).status, 204)
  assert.equal((await avatar('?fallback=404')).status, 404)
})

test('an initial is shown as text, whatever the name is', async () => {
  await instances.update(house.instance, { publicName: '<script>' })
  const { text } = await avatar()
  assert.ok(text.includes('&lt;'))
  assert.equal(text.includes('<script'), false)
})

test('what is refused of the instance leaves its document as it was', async () => {
  const read = async () => (await house.request('/settings/instance')).json.data
  const before = await read()
  const replace = (attributes: object) =>
    house.request('/settings/instance', {
      method: 'PUT',
      body: { data: { meta: before.meta, attributes: { ...before.attributes, mark: true, ...attributes } } },
    })
  for (const wrong of [{ locale: 'not a language' }, { tz: 'Nowhere/Land' }]) {
    const { status, json } = await replace(wrong)
    assert.deepEqual([status, json.errors[0].source.pointer], [422, Object.keys(wrong)[0]])
  }
  assert.equal((await replace({ public_name: 12 })).status, 400)
  assert.deepEqual(await read(), before)
  assert.equal((await replace({ tz: 'Europe/Paris', locale: 'fr' })).status, 200)
  const after = await instances.byId(house.instance.id)
  assert.deepEqual([after?.tz, after?.locale], ['Europe/Paris', 'fr'])
})

test('disk usage is shown to a share that may add files, not to one that may read them', async () => {
  const shared = async (verbs: string[]) => {
    await permissions.create(
      house.instance,
      { type: 'app', slug: `a${verbs.length}` },
      { files: { type: 'io.cozy.files' }, all: { type: 'io.cozy.settings' } },
    )
    const token = await oauth.mint({ instance: house.instance, audience: 'app', subject: `a${verbs.length}` })
    const made = await house.request('/permissions?codes=link', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: {
        data: {
          type: 'io.cozy.permissions',
          attributes: { permissions: { files: { type: 'io.cozy.files', verbs, values: ['io.cozy.files.root-dir'] } } },
        },
      },
    })
    assert.equal(made.status, 200, made.text)
    const code = made.json.data.attributes.codes.link
    return (await house.request('/settings/disk-usage', { headers: { authorization: `Bearer ${code}` } })).status
  }
  assert.equal(await shared(['GET']), 403)
  assert.equal(await shared(['GET', 'POST']), 200)
})

test('what this server does not have says so', async () => {
  for (const [method, path] of [
    ['POST', '/settings/vault'],
    ['POST', '/settings/instance/deletion'],
    ['GET', '/settings/premium'],
    ['GET', '/settings/email/confirm?token=x'],
    ['GET', '/settings/clients/limit-exceeded'],
  ] as const) {
    const { status, json } = await house.request(path, { method })
    assert.equal(status, 501, path)
    assert.ok(json.errors[0].detail.length > 20)
  }
})

test('all of it answers though the instance is blocked', async () => {
  const other = await house.another('blocked.example.test')
  await instances.update(other, { blocked: 'PAYMENT_FAILED' })
  const host = new URL(other.url).host
  const headers = { authorization: `Bearer ${await house.token('io.cozy.settings', other)}` }
  for (const path of [
    '/settings/instance',
    '/settings/flags',
    '/settings/context',
    '/settings/capabilities',
    '/settings/disk-usage',
    '/public/avatar',
  ]) {
    assert.equal((await house.request(path, { host, headers })).status, 200, path)
  }
  assert.equal((await house.request('/data/io.cozy.bills/x', { host, scope: null })).status, 402)
  // The administrator's own token gets past it, to what it may do.
  assert.equal((await house.request('/data/io.cozy.bills/x', { host, headers })).status, 403)
})
