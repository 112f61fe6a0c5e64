import assert from 'node:assert/strict'
import { test } from 'node:test'
import { triggerFor } from '../../src/rooms/konnectors/index.ts'
import { startTestHouse } from '../help/house.ts'
import { buildOf, temporary, writeFiles } from './sources.ts'

const of = (manifest: Record<string, unknown>, account = 'a1', domain = 'alice.example') =>
  triggerFor(manifest, { domain, slug: 'acme', account })

/** Many accounts: what is drawn is looked at as a whole. */
const drawn = (manifest: Record<string, unknown>) =>
  Array.from({ length: 500 }, (_, i) => of(manifest, `account-${i}`).arguments.split(' '))

test('the crontab: its shape by the frequency, its hour in the window, a stable draw for each account', () => {
  const shapes: [unknown, RegExp][] = [
    ['hourly', /^\d+ \d+ \* \* \* \*$/],
    ['daily', /^\d+ \d+ \d+ \* \* \*$/],
    ['monthly', /^\d+ \d+ \d+ \d+ \* \*$/],
    ['weekly', /^\d+ \d+ \d+ \* \* [0-6]$/],
    [undefined, /^\d+ \d+ \d+ \* \* [0-6]$/],
    ['sometimes', /^\d+ \d+ \d+ \* \* [0-6]$/],
  ]
  for (const [frequency, shape] of shapes) assert.match(of({ frequency }).arguments, shape)
  assert.equal(of({}).arguments, of({}).arguments)
  assert.notEqual(of({}).arguments, of({}, 'a2').arguments)
  assert.notEqual(of({}).arguments, of({}, 'a1', 'bob.example').arguments)

  const minutes = (interval: unknown) =>
    drawn({ frequency: 'daily', time_interval: interval }).map(([, m, h]) => Number(h) * 60 + Number(m))
  const range = (interval: unknown) => [Math.min(...minutes(interval)), Math.max(...minutes(interval))] as const
  const windows: [unknown, number, number][] = [
    [undefined, 0, 300],
    [[9, 17], 540, 1020],
    [[5.5, 6.5], 330, 390],
    [[0, 24], 0, 1440],
    ['nonsense', 0, 300],
  ]
  for (const [interval, start, end] of windows) {
    const [least, most] = range(interval)
    assert.ok(least >= start && most < end, `${JSON.stringify(interval)}: ${least}–${most}`)
    assert.ok(most - least > (end - start) * 0.9, 'the whole window is used')
  }
  const night = minutes([22, 2])
  assert.ok(night.every(minute => minute >= 1320 || minute < 120))
  assert.ok(night.some(minute => minute >= 1320) && night.some(minute => minute < 120))
  const days = drawn({ frequency: 'monthly' }).map(([, , , day]) => Number(day))
  assert.deepEqual([Math.min(...days), Math.max(...days)], [1, 28])
})

test('the message: a folder where the manifest wants one, in all three spellings', () => {
  assert.deepEqual(of({}).message, { account: 'a1', konnector: 'acme' })
  const wants = [
    { folders: [{ defaultDir: '$administrative' }] },
    { fields: { advancedFields: { folderPath: { advanced: true } } } },
    { fields: { advanced_fields: { folderPath: {} } } },
  ]
  for (const manifest of wants)
    assert.deepEqual(of(manifest).message, { account: 'a1', konnector: 'acme', folder_to_save: 'yes' })
  const client = of({ clientSide: true })
  assert.deepEqual([client.type, client.worker, client.arguments], ['@client', 'client', ''])
})

test('POST /konnectors/:slug/trigger makes it, and with ExecNow its first job', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: { KONNECTORY_INSTALL_LOCAL: '1' } })
  await writeFiles(folder.path, buildOf({ frequency: 'daily', folders: [{}] }))
  await (await house.rooms.konnectors.install(house.instance, { slug: 'acme', source: `file://${folder.path}` })).done
  const post = (slug: string, query: string, scope = 'io.cozy.triggers:POST:konnector:worker') =>
    house.request(`/konnectors/${slug}/trigger?${query}`, { method: 'POST', scope })
  const answer = await post('acme', 'AccountID=acc001')
  assert.equal(answer.status, 201, answer.text)
  const { type, id, attributes } = answer.json.data
  assert.equal(type, 'io.cozy.triggers')
  assert.deepEqual(
    [attributes._id, attributes.type, attributes.worker, attributes.message],
    [id, '@cron', 'konnector', { account: 'acc001', konnector: 'acme', folder_to_save: 'yes' }],
  )
  assert.match(attributes.arguments, /^\d+ \d+ [0-4] \* \* \*$/)
  assert.equal((await post('none', '')).status, 404)
  assert.equal((await post('acme', '', 'io.cozy.triggers:GET')).status, 403)
  assert.equal((await post('acme', '', 'io.cozy.triggers:POST:service:worker')).status, 403)
})
