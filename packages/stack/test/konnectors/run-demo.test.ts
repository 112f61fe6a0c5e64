import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { startDemoVendor } from '@konnectory/testkit/demo-vendor'
import type { NewsEvent } from '../../src/ground/news/index.ts'
import { startTestHouse, type TestHouse } from '../help/house.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const run = promisify(execFile)

const vendor = await startDemoVendor()
const folder = await mkdtemp(join(tmpdir(), 'konnectory-run-'))
const house = await startTestHouse({
  environment: {
    KONNECTORY_INSTALL_LOCAL: '1',
    KONNECTORY_GATE_HOSTS: `demo-vendor.test=127.0.0.1:${vendor.port}`,
  },
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await vendor.close()
  await rm(folder, { recursive: true, force: true })
})

const build = join(folder, 'demo', 'build')
await cp(join(ROOT, 'konnectors/demo-classic'), join(folder, 'demo'), { recursive: true })
await run(process.execPath, [join(ROOT, 'packages/cli/src/bin.ts'), 'build', '--outdir', build], {
  cwd: join(folder, 'demo'),
})

const SCOPE =
  'io.cozy.accounts io.cozy.konnectors io.cozy.triggers io.cozy.jobs io.cozy.files io.cozy.bills io.cozy.konnectors.runs io.cozy.permissions'
const ask = (path: string, method = 'GET', body?: object) => house.request(path, { method, scope: SCOPE, body })

/** Resolves when the job has ended. Listening begins before the look, so that nothing is missed. */
function ended(of: TestHouse, id: string): Promise<Record<string, unknown>> {
  return new Promise(resolve => {
    const look = (doc: Record<string, unknown>) => {
      if (doc.state !== 'done' && doc.state !== 'errored') return
      stop()
      resolve(doc)
    }
    const stop = of.ground.news.subscribe((event: NewsEvent) => {
      if (event.doctype === 'io.cozy.jobs' && event.id === id) look(event.doc)
    })
    void of.ground.documents
      .of(of.instance)
      .get('io.cozy.jobs', id)
      .then(job => job && look(job.body))
  })
}

async function launch(
  trigger: string,
): Promise<{ job: Record<string, unknown>; id: string; record: Record<string, unknown> }> {
  const launched = await ask(`/jobs/triggers/${trigger}/launch`, 'POST')
  assert.equal(launched.status, 201, launched.text)
  const { id } = launched.json.data
  const job = await ended(house, id)
  const record = await ask(`/runs/${id}`)
  return { job, id, record: record.status === 200 ? record.json.data.attributes : {} }
}

test('installed, given an account, run in the jail: bills and PDFs arrive, a second run writes nothing, a wrong password says so', async () => {
  const installed = await house.request(`/konnectors/demo-classic?Source=${encodeURIComponent(`file://${build}`)}`, {
    method: 'POST',
    scope: 'io.cozy.konnectors',
    headers: { accept: 'text/event-stream' },
  })
  assert.equal(installed.status, 200, installed.text)
  assert.match(installed.text, /"state":"ready"/)

  const [user] = vendor.users
  assert.ok(user)
  const auth = { login: user.email, password: user.password }
  const account = await ask('/data/io.cozy.accounts/', 'POST', {
    account_type: 'demo-classic',
    auth,
    identifier: 'login',
  })
  assert.equal(account.status, 201, account.text)
  const trigger = await ask('/jobs/triggers', 'POST', {
    data: {
      attributes: {
        type: '@monthly',
        arguments: '',
        worker: 'konnector',
        message: { konnector: 'demo-classic', account: account.json.id, folder_to_save: 'yes' },
      },
    },
  })
  assert.equal(trigger.status, 201, trigger.text)

  const first = await launch(trigger.json.data.id)
  const log = (await ask(`/runs/${first.id}/log?limit=5000`)).json.data.map(
    ({ attributes }: { attributes: { level: string; message: string } }) => `${attributes.level} ${attributes.message}`,
  )
  assert.equal(first.job.state, 'done', `${first.job.error}\n${log.join('\n')}`)
  const bills = (await ask('/data/io.cozy.bills/_normal_docs?limit=1000')).json.rows
  assert.equal(bills.length, vendor.invoicesOf(user.email).length)
  const { rows } = (await ask('/data/io.cozy.files/_all_docs?include_docs=true')).json
  const pdfs = rows.filter(({ doc }: { doc: { mime?: string } }) => doc.mime === 'application/pdf')
  assert.equal(pdfs.length, bills.length)
  assert.deepEqual([first.record.state, first.record.outcome], ['ended', 'done'])
  assert.ok((first.record.counts as { new: number }).new >= bills.length)
  const whole = JSON.stringify(log)
  assert.equal(whole.includes(auth.password), false)

  const seen = (await ask('/data/io.cozy.bills/_changes')).json.last_seq
  const second = await launch(trigger.json.data.id)
  assert.equal(second.job.state, 'done', String(second.job.error))
  assert.equal((await ask('/data/io.cozy.bills/_changes')).json.last_seq, seen)
  assert.equal(second.record.outcome, 'nothing_new')

  const stored = (await ask(`/data/io.cozy.accounts/${account.json.id}`)).json
  const wrong = await ask(`/data/io.cozy.accounts/${account.json.id}`, 'PUT', {
    ...stored,
    auth: { ...stored.auth, credentials_encrypted: undefined, login: auth.login, password: 'wrong' },
  })
  assert.equal(wrong.status, 200, wrong.text)
  const third = await launch(trigger.json.data.id)
  assert.deepEqual([third.job.state, third.job.error], ['errored', 'LOGIN_FAILED'])
  assert.deepEqual([third.record.outcome, third.record.act], ['bad_credentials', 'owner'])
})

test('on a server that runs none, a run says so, and its record does not stay open', async () => {
  await using off = await startTestHouse({ environment: { KONNECTORY_INSTALL_LOCAL: '1', KONNECTORY_JAIL: 'off' } })
  const installed = await off.request(`/konnectors/demo-classic?Source=${encodeURIComponent(`file://${build}`)}`, {
    method: 'POST',
    scope: 'io.cozy.konnectors',
    headers: { accept: 'text/event-stream' },
  })
  assert.equal(installed.status, 200, installed.text)
  const pushed = await off.request('/jobs/queue/konnector', {
    method: 'POST',
    scope: 'io.cozy.jobs',
    body: { data: { attributes: { arguments: { konnector: 'demo-classic' }, manual: true } } },
  })
  assert.ok(pushed.status < 300, pushed.text)
  const { id } = pushed.json.data
  const job = await ended(off, id)
  assert.equal(job.state, 'errored')
  assert.match(String(job.error), /cannot run here: this server was told to run none/)
  const record = (await off.request(`/runs/${id}`, { scope: 'io.cozy.jobs' })).json.data.attributes
  assert.deepEqual([record.state, record.act], ['ended', 'operator'])
})
