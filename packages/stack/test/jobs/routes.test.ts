import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestHouse, type TestHouse } from '../help/house.ts'
import { signals } from './help.ts'

let house: TestHouse
const signal = signals()
before(async () => {
  house = await startTestHouse()
  await house.rooms.jobs.registerWorker({ name: 'zip', concurrency: 1, run: () => signal.heard('zip may end') })
})
after(async () => {
  signal.say('zip may end')
  await house[Symbol.asyncDispose]()
})

const push = (worker: string, attributes: object, options: object = {}) =>
  house.request(`/jobs/queue/${worker}`, { method: 'POST', body: { data: { attributes } }, ...options })

test('POST /jobs/queue: 202, seconds become nanoseconds', async () => {
  const answer = await push('zip', {
    arguments: { a: 1 },
    manual: true,
    options: { max_exec_count: 1, timeout: 60 },
    forward_logs: true,
  })
  assert.equal(answer.status, 202, answer.text)
  const { id, attributes, meta, links, type } = answer.json.data
  const { queued_at, _rev, ...rest } = attributes
  assert.deepEqual(rest, {
    _id: id,
    domain: 'localhost',
    worker: 'zip',
    message: { a: 1 },
    event: null,
    manual_execution: true,
    options: { max_exec_count: 1, timeout: 60_000_000_000 },
    forward_logs: true,
    state: 'queued',
    started_at: '0001-01-01T00:00:00Z',
    finished_at: '0001-01-01T00:00:00Z',
  })
  assert.deepEqual([type, meta, links], ['io.cozy.jobs', { rev: _rev }, { self: `/jobs/zip/${id}` }])
  assert.ok(Date.parse(queued_at) <= Date.now())
})

test('GET /jobs/queue lists what has not ended, GET /jobs/:id one', async () => {
  const { id } = (await push('zip', { arguments: 2 })).json.data
  const list = (await house.request('/jobs/queue/zip')).json
  assert.ok(list.data.some((job: { id: string }) => job.id === id))
  assert.equal(list.meta.count, list.data.length)
  assert.deepEqual((await house.request('/jobs/queue/unzip')).json.data, [])
  assert.equal((await house.request(`/jobs/${id}`)).json.data.attributes.message, 2)
  assert.equal((await house.request('/jobs/nothing')).status, 404)
})

test('unknown, reserved and device workers', async () => {
  assert.equal((await push('nobody', {})).status, 404)
  assert.equal((await push('thumbnail', {})).status, 202, 'the operator may')
  assert.equal((await push('client', { arguments: {} })).json.data.attributes.state, 'running')
})

test('permissions: verb, worker, state', async () => {
  const { id } = (await push('zip', {})).json.data
  const status = async (scope: string | null, path: string, method = 'GET', body?: object) =>
    (await house.request(path, { scope, method, body })).status
  const body = { data: { attributes: { arguments: {} } } }
  assert.equal(await status('io.cozy.jobs:POST:zip:worker', '/jobs/queue/zip', 'POST', body), 202)
  assert.equal(await status('io.cozy.jobs:POST:unzip:worker', '/jobs/queue/zip', 'POST', body), 403)
  assert.equal(await status('io.cozy.jobs:GET', '/jobs/queue/zip', 'POST', body), 403)
  assert.equal(await status('io.cozy.jobs:GET:zip:worker', '/jobs/queue/zip'), 200)
  assert.equal(await status('io.cozy.jobs:GET:unzip:worker', '/jobs/queue/zip'), 403)
  assert.equal(await status('io.cozy.jobs:GET:zip:worker', `/jobs/${id}`), 200)
  assert.equal(await status('io.cozy.jobs:GET:unzip:worker', `/jobs/${id}`), 403)
  assert.equal(await status('io.cozy.jobs:GET:unzip:worker', '/jobs/nothing'), 403)
  assert.equal(await status('io.cozy.jobs:GET', '/jobs/clean', 'POST'), 403)
  assert.equal(await status('io.cozy.jobs:POST:zip:worker', '/jobs/clean', 'POST'), 403)
  assert.equal(await status('io.cozy.jobs:GET,POST', '/jobs/purge', 'DELETE'), 403)
  assert.equal(await status(null, `/jobs/${id}`), 401)
})

test('bad bodies are 4xx', async () => {
  for (const body of [
    {},
    { data: {} },
    [],
    'x{',
    { data: { attributes: { options: { timeout: -1 } } } },
    { data: { attributes: { manual: 'yes' } } },
  ]) {
    const answer = await house.request('/jobs/queue/zip', { method: 'POST', body: body as object })
    assert.ok(answer.status >= 400 && answer.status < 500, `${JSON.stringify(body)}: ${answer.text}`)
  }
})

test('PATCH ends jobs of devices, and only those', async () => {
  const patch = (id: string, attributes: object) =>
    house.request(`/jobs/${id}`, { method: 'PATCH', body: { data: { attributes } } })
  const device = (await push('client', { arguments: {} })).json.data.id
  const refused = await patch(device, { state: 'queued' })
  assert.deepEqual([refused.status, refused.json.errors[0].source], [422, { pointer: 'State' }])
  const ended = await patch(device, { state: 'errored', error: 'VENDOR_DOWN' })
  assert.deepEqual(
    [ended.status, ended.json.data.attributes.state, ended.json.data.attributes.error],
    [200, 'errored', 'VENDOR_DOWN'],
  )
  assert.equal(
    (await patch(device, { state: 'done' })).json.data.attributes.state,
    'errored',
    'what has ended stays so',
  )
  assert.equal((await patch((await push('zip', {})).json.data.id, { state: 'done' })).status, 403)
  assert.equal((await patch('nothing', { state: 'done' })).status, 404)
})

test('clean and purge', async () => {
  const old = new Date(Date.now() - 2 * 3_600_000).toISOString()
  const ancient = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
  const docs = house.ground.documents.of(house.instance)
  const job = { domain: 'localhost', worker: 'gone', message: null, event: null, finished_at: old }
  await docs.create('io.cozy.jobs', { ...job, state: 'running', queued_at: old, started_at: old }, 'stuck')
  for (let index = 0; index < 60; index++)
    await docs.create('io.cozy.jobs', { ...job, state: 'done', queued_at: ancient(20 + index), started_at: old })
  for (let index = 0; index < 3; index++)
    await docs.create('io.cozy.jobs', { ...job, state: 'errored', queued_at: ancient(30), started_at: old })
  const cleaned = await house.request('/jobs/clean', { method: 'POST' })
  assert.deepEqual([cleaned.status, cleaned.json], [200, { deleted: 1 }])
  assert.equal((await house.request('/jobs/stuck')).json.data.attributes.state, 'done')
  const purge = async (query: string) => house.request(`/jobs/purge${query}`, { method: 'DELETE' })
  assert.deepEqual((await purge('?workers=other')).json, { deleted: 0 })
  assert.deepEqual((await purge('?duration=75D&workers=gone')).json, { deleted: 5 })
  assert.deepEqual((await purge('')).json, { deleted: 6 }, 'all but 50 of the done, none of three errored')
  const refused = await purge('?duration=soon')
  assert.deepEqual([refused.status, refused.json.errors[0].source], [422, { parameter: 'duration' }])
})

test('no mail, said clearly', async () => {
  const answer = await house.request('/jobs/support', {
    method: 'POST',
    body: { data: { attributes: { subject: 'x' } } },
  })
  assert.equal(answer.status, 503)
  assert.equal(
    (
      await house.request('/jobs/campaign-emails', {
        method: 'POST',
        scope: 'io.cozy.jobs:POST:zip:worker',
        body: { data: { attributes: {} } },
      })
    ).status,
    403,
  )
})

test('the 101st konnector job of an hour is refused', async () => {
  const other = await house.another('busy.example')
  const token = await house.token('io.cozy.jobs', other)
  const one = () =>
    push('konnector', { arguments: {} }, { host: other.domain, headers: { authorization: `Bearer ${token}` } })
  for (let index = 0; index < 100; index++) assert.equal((await one()).status, 202)
  const refused = await one()
  assert.equal(refused.status, 400)
  assert.match(refused.json.errors[0].detail, /as many konnector jobs as it may/)
})
