import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestHouse, type TestHouse } from '../help/house.ts'

let house: TestHouse
before(async () => {
  house = await startTestHouse()
  await house.rooms.jobs.registerWorker({ name: 'push', run: async () => {} })
})
after(() => house[Symbol.asyncDispose]())

const CRON = {
  type: '@cron',
  arguments: '0 42 3 * * 4',
  worker: 'service',
  message: { account: 'acc001', konnector: 'acme' },
}
const post = (path: string, attributes: object, options: object = {}) =>
  house.request(path, { method: 'POST', body: { data: { attributes } }, ...options })
const make = async (attributes: object = {}) => {
  const answer = await post('/jobs/triggers', { ...CRON, ...attributes })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.data as { id: string; attributes: Record<string, unknown>; links: Record<string, string> }
}

test('POST /jobs/triggers: 201, as the example of the protocol, without state', async () => {
  const answer = await post('/jobs/triggers', CRON)
  assert.equal(answer.status, 201)
  assert.match(String(answer.headers['content-type']), /application\/vnd\.api\+json/)
  const { id, attributes, ...rest } = answer.json.data
  assert.deepEqual(rest, { type: 'io.cozy.triggers', meta: {}, links: { self: `/jobs/triggers/${id}` } })
  const { cozyMetadata, _rev, ...content } = attributes
  assert.deepEqual(content, { _id: id, domain: 'localhost', ...CRON, debounce: '', options: null })
  assert.match(_rev, /^1-/)
  assert.equal(cozyMetadata.createdByApp, 'CLI')
  assert.equal(cozyMetadata.createdAt, cozyMetadata.updatedAt)
})

test('worker_arguments, debounce and options in nanoseconds', async () => {
  const { message: _, ...without } = CRON
  const { attributes } = (
    await post('/jobs/triggers', {
      ...without,
      worker_arguments: { old: true },
      debounce: '3m',
      options: { timeout: 6e10 },
    })
  ).json.data
  assert.deepEqual(
    [attributes.message, attributes.debounce, attributes.options],
    [{ old: true }, '3m', { timeout: 6e10 }],
  )
})

test('refusals, each with its status and pointer', async () => {
  const refused: [object, number, object | undefined][] = [
    [{ type: '@never' }, 422, { pointer: 'Type' }],
    [{ arguments: 'x' }, 400, {}],
    [{ debounce: 'x' }, 422, { pointer: 'debounce' }],
    [{ worker: 'nobody' }, 404, {}],
  ]
  for (const [attributes, status, source] of refused) {
    const answer = await post('/jobs/triggers', { ...CRON, ...attributes })
    assert.equal(answer.status, status, answer.text)
    assert.deepEqual(answer.json.errors[0].source, source)
    if (status === 400) assert.equal(answer.json.errors[0].detail, 'Trigger unparsable')
  }
  for (const body of [
    {},
    { data: {} },
    { data: { attributes: {} } },
    [],
    'x{',
    { data: { attributes: { type: 1, worker: 2 } } },
  ]) {
    const answer = await house.request('/jobs/triggers', { method: 'POST', body: body as object })
    assert.ok(answer.status >= 400 && answer.status < 500, answer.text)
  }
})

test('a trigger with its state, its state alone, its jobs; launch', async () => {
  const { id } = await make()
  const one = await house.request(`/jobs/triggers/${id}`)
  assert.equal(one.status, 200)
  const { next_execution, ...state } = one.json.data.attributes.current_state
  assert.deepEqual(state, { trigger_id: id, status: 'done' })
  assert.ok(Date.parse(next_execution) > Date.now())
  const alone = await house.request(`/jobs/triggers/${id}/state`)
  assert.deepEqual(
    [alone.json.data.type, alone.json.data.id, alone.json.data.attributes.trigger_id],
    ['io.cozy.triggers.state', id, id],
  )
  const launched = await post(`/jobs/triggers/${id}/launch`, {}, { body: undefined })
  assert.equal(launched.status, 201, launched.text)
  const job = launched.json.data
  assert.deepEqual([job.type, job.attributes.trigger_id, job.attributes.manual_execution], ['io.cozy.jobs', id, true])
  assert.deepEqual(job.links, { self: `/jobs/service/${job.id}` })
  assert.equal(job.meta.rev, job.attributes._rev)
  const jobs = await house.request(`/jobs/triggers/${id}/jobs?Limit=1`)
  assert.deepEqual([jobs.json.meta.count, jobs.json.data[0].id], [1, job.id])
})

test('a launch whose worker is not here ends at once, and says so', async () => {
  const { id } = await make({ worker: 'zip' })
  const { attributes } = (await post(`/jobs/triggers/${id}/launch`, {})).json.data
  assert.deepEqual([attributes.state, attributes.error], ['errored', 'this server has no worker zip'])
  const { current_state: state } = (await house.request(`/jobs/triggers/${id}`)).json.data.attributes
  assert.deepEqual([state.status, state.last_error], ['errored', 'this server has no worker zip'])
})

test('lists: by worker and type, with states', async () => {
  const { id } = await make({ type: '@webhook', worker: 'sendmail' })
  const list = async (query: string, scope?: string) => house.request(`/jobs/triggers${query}`, scope ? { scope } : {})
  const webhooks = (await list('?Type=@webhook,@event&Worker=sendmail')).json
  assert.deepEqual(
    webhooks.data.map((trigger: { id: string }) => trigger.id),
    [id],
  )
  assert.equal(webhooks.data[0].attributes.current_state.trigger_id, id)
  assert.equal(webhooks.meta.count, 1)
  assert.deepEqual((await list('?Worker=nobody')).json.data, [])
  assert.equal((await list('?Worker=sendmail', 'io.cozy.triggers:GET:sendmail:worker')).status, 200)
  assert.equal((await list('?Worker=service', 'io.cozy.triggers:GET:sendmail:worker')).status, 403)
  assert.equal((await list('?Worker=sendmail,service', 'io.cozy.triggers:GET:sendmail:worker')).status, 403)
  assert.equal((await list('', 'io.cozy.triggers:GET:sendmail:worker')).status, 403)
})

test('PATCH: message, arguments of a @cron, nothing else', async () => {
  const { id } = await make()
  const patch = (attributes: object, of = id) =>
    house.request(`/jobs/triggers/${of}`, { method: 'PATCH', body: { data: { attributes } } })
  const changed = await patch({ message: { konnector: 'new' }, arguments: '0 0 5 * * *' })
  assert.equal(changed.status, 200)
  const { message, arguments: text, current_state: state } = changed.json.data.attributes
  assert.deepEqual([message, text], [{ konnector: 'new' }, '0 0 5 * * *'])
  assert.match(state.next_execution, /T05:00:00/)
  assert.equal((await patch({ arguments: 'x' })).status, 400)
  assert.equal((await patch({})).status, 400)
  assert.equal((await patch({ type: '@at' })).status, 400)
  const webhook = await make({ type: '@webhook' })
  const refused = await patch({ arguments: '0 0 5 * * *' }, webhook.id)
  assert.deepEqual([refused.status, refused.json.errors[0].source], [422, { pointer: 'Type' }])
})

test('what is not there', async () => {
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/state'],
    ['GET', '/jobs'],
    ['POST', '/launch'],
    ['DELETE', ''],
  ]) {
    const answer = await house.request(`/jobs/triggers/nothing${path}`, { method: method! })
    assert.equal(answer.status, 404, `${method} ${path}`)
    assert.equal(answer.json.errors[0].detail, 'Trigger with specified ID does not exist')
  }
  const { id } = await make()
  assert.equal((await house.request(`/jobs/triggers/${id}`, { method: 'DELETE' })).status, 204)
  assert.equal((await house.request(`/jobs/triggers/${id}`)).status, 404)
})

test('permissions: verb and worker, and no more', async () => {
  const { id } = await make()
  const may = async (scope: string, method: string, path: string, body?: object) =>
    (await house.request(path, { method, scope, body })).status
  const body = { data: { attributes: CRON } }
  assert.equal(await may('io.cozy.triggers:POST:service:worker', 'POST', '/jobs/triggers', body), 201)
  assert.equal(await may('io.cozy.triggers:POST:konnector:worker', 'POST', '/jobs/triggers', body), 403)
  assert.equal(await may('io.cozy.triggers:GET', 'POST', '/jobs/triggers', body), 403)
  assert.equal(await may(`io.cozy.triggers:GET:${id}`, 'GET', `/jobs/triggers/${id}`), 200)
  assert.equal(await may('io.cozy.triggers:GET:service:worker', 'GET', `/jobs/triggers/${id}/state`), 200)
  assert.equal(await may('io.cozy.triggers:GET:konnector:worker', 'GET', `/jobs/triggers/${id}`), 403)
  assert.equal(await may('io.cozy.triggers:GET:konnector:worker', 'GET', '/jobs/triggers/nothing'), 403)
  assert.equal(await may('io.cozy.triggers:GET', 'POST', `/jobs/triggers/${id}/launch`), 403)
  assert.equal(await may('io.cozy.triggers:POST', 'POST', `/jobs/triggers/${id}/launch`), 201)
  assert.equal(
    await may('io.cozy.triggers:GET,POST', 'PATCH', `/jobs/triggers/${id}`, { data: { attributes: { message: {} } } }),
    403,
  )
  assert.equal(await may('io.cozy.triggers:GET,POST', 'DELETE', `/jobs/triggers/${id}`), 403)
  assert.equal((await house.request(`/jobs/triggers/${id}`, { scope: null })).status, 401)
})

test('a konnector may read, change and delete its own triggers, of its own account, and nothing else', async () => {
  const of = (konnector: string, account: string) => make({ worker: 'konnector', message: { konnector, account } })
  const [mine, otherAccount, otherKonnector] = [
    await of('acme', 'a1'),
    await of('acme', 'a2'),
    await of('umbrella', 'a1'),
  ]
  await house.rooms.permissions.create(
    house.instance,
    { type: 'konnector', slug: 'acme' },
    { bills: { type: 'io.cozy.bills' } },
  )
  const { oauth, permissions } = house.rooms
  const run = await permissions.runs.begin(house.instance, { slug: 'acme', accountId: 'a1' })
  const token = await oauth.mint({
    instance: house.instance,
    audience: 'konn',
    subject: 'acme',
    run,
    account: 'a1',
  } as never)
  const headers = { authorization: `Bearer ${token}` }
  const ask = async (method: string, path: string, body?: object) =>
    (await house.request(`/jobs/${path}`, { method, headers, body })).status
  assert.equal(await ask('GET', `triggers/${mine.id}`), 200)
  assert.equal(await ask('GET', `triggers/${mine.id}/state`), 200)
  assert.equal(
    await ask('PATCH', `triggers/${mine.id}`, {
      data: { attributes: { message: { konnector: 'acme', account: 'a1', more: 1 } } },
    }),
    200,
  )
  for (const [method, path, body] of [
    ['GET', `triggers/${otherKonnector.id}`],
    ['GET', `triggers/${otherAccount.id}`],
    ['DELETE', `triggers/${otherAccount.id}`],
    ['DELETE', `triggers/${otherKonnector.id}`],
    ['GET', 'triggers'],
    ['GET', `triggers/${mine.id}/jobs`],
    ['POST', `triggers/${mine.id}/launch`],
    ['POST', 'triggers', { data: { attributes: CRON } }],
    ['POST', 'queue/konnector', { data: { attributes: { arguments: {} } } }],
    ['PATCH', `triggers/${mine.id}`, { data: { attributes: { message: { konnector: 'umbrella', account: 'a1' } } } }],
    ['PATCH', `triggers/${mine.id}`, { data: { attributes: { message: { konnector: 'acme', account: 'a2' } } } }],
  ] as [string, string, object?][])
    assert.equal(await ask(method, path, body), 403, `${method} ${path}`)
  assert.equal(await ask('GET', 'triggers/nothing'), 404)
  assert.equal(await ask('DELETE', `triggers/${mine.id}`), 204)
})

test('webhooks: 204 without a token, 422 for others, 404 for none and over the limit', async () => {
  const { id, links } = await make({ type: '@webhook', worker: 'push' })
  assert.equal(links.webhook, `${house.url}jobs/webhooks/${id}`)
  const call = (of: string, body: object | string | undefined = { paid: true }, query = '') =>
    house.request(`/jobs/webhooks/${of}${query}`, { method: 'POST', scope: null, body })
  const answer = await call(id)
  assert.deepEqual([answer.status, answer.text], [204, ''])
  assert.equal((await call(id, 'not json', '?Manual=true')).status, 204)
  const jobs = (await house.request(`/jobs/triggers/${id}/jobs`)).json.data
  assert.deepEqual(jobs.map((job: { attributes: object }) => 'manual_execution' in job.attributes).sort(), [
    false,
    true,
  ])
  assert.equal((await call((await make()).id)).status, 422)
  assert.equal((await call('nothing')).status, 404)
  assert.equal((await call(id, 'x'.repeat(1024 * 1024 + 1))).status, 413)
  for (let index = 0; index < 27; index++) assert.equal((await call(id, undefined)).status, 204)
  assert.equal((await call(id)).status, 404)
})

test('deleting an account deletes its triggers, and not those of others', async () => {
  const account = (
    await house.request('/data/io.cozy.accounts/', {
      method: 'POST',
      body: { account_type: 'acme', auth: { login: 'me' } },
    })
  ).json
  const mine = await make({ worker: 'konnector', message: { konnector: 'acme', account: account.id } })
  const other = await make({ worker: 'konnector', message: { konnector: 'acme', account: 'another' } })
  const deleted = await house.request(`/data/io.cozy.accounts/${account.id}?rev=${account.rev}`, { method: 'DELETE' })
  assert.equal(deleted.status, 200, deleted.text)
  assert.equal((await house.request(`/jobs/triggers/${mine.id}`)).status, 404)
  assert.equal((await house.request(`/jobs/triggers/${other.id}`)).status, 200)
})
