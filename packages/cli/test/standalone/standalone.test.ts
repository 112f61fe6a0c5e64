import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRunning } from '../help/command.ts'
import { CONFIG, jsonLines, MANIFEST, makeProject, runStandalone } from '../help/project.ts'
import { LOGIN, PASSWORD, startTinyVendor, tinyKonnector } from '../help/vendor.ts'

const FILES = { 'manifest.konnector': MANIFEST, 'konnector-dev-config.json': CONFIG, 'src/index.js': tinyKonnector() }

test('a run saves files here, keeps documents, prints both, sums up; the second one changes nothing', async () => {
  await using vendor = await startTinyVendor()
  await using project = await makeProject({
    ...FILES,
    'konnector-dev-config.json': { ...CONFIG, hosts: { 'vendor.test': `127.0.0.1:${vendor.port}` } },
  })
  const first = await runStandalone(project)
  assert.equal(first.code, 0, first.stdout + first.stderr)
  assert.match(first.stdout, /\+ new file \/bill-1\.pdf \(33 B\)/)
  assert.match(first.stdout, /\+ new io\.cozy\.bills \w+\n.*vendor: Tiny|amount: 12\.5/)
  assert.match(first.stdout, /io\.cozy\.bills +1 new, 0 updated, 0 unchanged, 0 failed\n/)
  assert.match(first.stdout, /Done: 1 file, 33 B, /)
  assert.equal(await project.read('bill-1.pdf'), '%PDF-1.4 planted personal content')
  const data = await project.json('importedData.json')
  assert.equal(data['io.cozy.bills']!.length, 1)
  assert.ok(!`${first.stdout}${first.stderr}${JSON.stringify(data)}`.includes(PASSWORD), 'the password is nowhere')
  const second = await runStandalone(project)
  assert.equal(second.code, 0, second.stdout + second.stderr)
  assert.match(second.stdout, /io\.cozy\.bills +0 new, 0 updated, 1 unchanged, 0 failed\n/)
  assert.equal(vendor.requests.filter(line => line.endsWith('bill.pdf')).length, 1, 'the file is not downloaded again')
})

test('--json: every line is JSON, documents and files and the summary among them; --dir holds everything', async () => {
  await using vendor = await startTinyVendor()
  await using project = await makeProject(FILES)
  const { code, stdout, stderr } = await runStandalone(project, { json: true, dir: 'data', host: [vendor.host] })
  assert.equal(code, 0, stdout + stderr)
  const lines = jsonLines(stdout)
  const bill = lines.find(line => line.kind === 'document' && line.doctype === 'io.cozy.bills')!
  assert.equal(bill.action, 'created')
  assert.equal((bill.doc as { amount: number }).amount, 12.5)
  const file = lines.find(line => line.kind === 'file' && line.type === 'file')!
  assert.deepEqual([file.path, file.bytes], ['/bill-1.pdf', 33])
  const summary = lines.at(-1)!
  assert.deepEqual([summary.kind, summary.outcome, summary.files, summary.bytes], ['summary', 'done', 1, 33])
  assert.equal(await project.read('data/bill-1.pdf'), '%PDF-1.4 planted personal content')
  assert.ok((await project.json('data/importedData.json'))['io.cozy.bills'])
})

test('a konnector error exits with 1 and is named', async () => {
  await using vendor = await startTinyVendor()
  await using project = await makeProject({
    ...FILES,
    'konnector-dev-config.json': { fields: { login: LOGIN, password: 'not-the-password' } },
  })
  const { code, stdout } = await runStandalone(project, { host: [vendor.host] })
  assert.equal(code, 1)
  assert.match(stdout, /Ended with LOGIN_FAILED/)
})

test('fixture.json seeds documents and is never written; a log line with a secret is hidden and told', async () => {
  const seeds = { 'io.cozy.bills': [{ _id: 'b1', vendorRef: 'old' }] }
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'fixture.json': seeds,
    'index.js': `fetch(process.env.COZY_URL + 'data/io.cozy.bills/b1', { headers: { authorization: 'Bearer ' + process.env.COZY_CREDENTIALS } })
      .then(r => r.json()).then(d => console.log('seeded ' + d.vendorRef + ' ${PASSWORD}'))`,
  })
  const { code, stdout, stderr } = await runStandalone(project)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /seeded old \*{8}\n/)
  assert.match(stderr, /printed the field "password" once/)
  assert.match(stdout, /io\.cozy\.bills +0 new, 0 updated, 1 unchanged/)
  assert.deepEqual(await project.json('fixture.json'), seeds)
})

test('a bundle made with the reference libraries runs against our stack, as on a server', async () => {
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'build/index.js': `
      if (!process.env.COZY_URL) throw new Error('Env used to instantiate CozyClient must have COZY_URL and COZY_CREDENTIALS')
      console.log(JSON.stringify({ time: new Date(), type: 'info', message: 'mode ' + process.env.NODE_ENV }))`,
  })
  const { code, stdout, stderr } = await runStandalone(project, { file: 'build/index.js' })
  assert.equal(code, 0, stdout + stderr)
  assert.match(stdout, /mode production/)
})

test('the environment is that of a server, and the working directory the project', async () => {
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': { ...CONFIG, COZY_PARAMETERS: { a: 1 }, COZY_FIELDS: { extra: 'kept' } },
    'beside.txt': 'beside',
    'index.js': `
      const { COZY_URL, COZY_FIELDS, COZY_PARAMETERS, COZY_PAYLOAD, COZY_LOCALE, COZY_TIME_LIMIT, COZY_JOB_ID, COZY_JOB_MANUAL_EXECUTION, NODE_ENV, SENTRY_DSN } = process.env
      console.log('ENV ' + JSON.stringify({ url: /^http:.*\\/$/.test(COZY_URL), fields: JSON.parse(COZY_FIELDS), parameters: JSON.parse(COZY_PARAMETERS), COZY_PAYLOAD, COZY_LOCALE, COZY_TIME_LIMIT, COZY_JOB_ID, COZY_JOB_MANUAL_EXECUTION, NODE_ENV, SENTRY_DSN,
        cwd: require('fs').readFileSync('beside.txt', 'utf8'), dirname: require('fs').readFileSync(__dirname + '/beside.txt', 'utf8'), open: typeof openInBrowser }))`,
  })
  const { stdout } = await runStandalone(project, { timeLimit: 60 })
  const env = JSON.parse(/ENV (.*)/.exec(stdout)![1]!)
  assert.deepEqual(env, {
    url: true,
    fields: {
      extra: 'kept',
      konnector: 'tiny',
      account: 'default_account_id',
      folder_to_save: 'io.cozy.files.root-dir',
    },
    parameters: { a: 1 },
    COZY_PAYLOAD: '',
    COZY_LOCALE: 'fr',
    COZY_TIME_LIMIT: '60',
    COZY_JOB_ID: 'standalone',
    COZY_JOB_MANUAL_EXECUTION: 'true',
    NODE_ENV: 'standalone',
    SENTRY_DSN: 'false',
    cwd: 'beside',
    dirname: 'beside',
    open: 'function',
  })
})

test('a two-factor code is asked on the terminal, a pipe included', async () => {
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'index.js': `
      const { BaseKonnector, log } = require('cozy-konnector-libs')
      module.exports = new BaseKonnector(async function () {
        const code = await this.waitForTwoFaCode({ type: 'sms', heartBeat: 50 })
        console.log('GOT ' + code.split('').reverse().join(''))
      })`,
  })
  const { code, stdout, stderr } = await runStandalone(project, {}, {}, '482913\n')
  assert.equal(code, 0, stdout + stderr)
  assert.match(stderr, /Enter the code sent by text message:/)
  assert.match(stdout, /GOT 319284/)
})

test("a stack trace points at the author's line, in TypeScript too", async () => {
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'src/index.ts':
      'interface A { b: string }\n\nconst a: A = { b: "x" }\nfunction explode(): never {\n  throw new Error(a.b)\n}\nexplode()\n',
  })
  const { code, stderr } = await runStandalone(project)
  assert.equal(code, 1)
  assert.match(stderr, /src\/index\.ts:5:\d+/)
})

test('a konnector that does not end is ended, with what it started', async () => {
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'index.js': `
      const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
      console.log('CHILD ' + child.pid)
      setInterval(() => {}, 1000)`,
  })
  const startedAt = Date.now()
  const abort = setTimeout(() => process.emit('SIGINT', 'SIGINT'), 1500)
  const { code, stdout } = await runStandalone(project)
  clearTimeout(abort)
  assert.equal(code, 130)
  assert.ok(Date.now() - startedAt < 8000)
  const pid = Number(/CHILD (\d+)/.exec(stdout)![1])
  while (isRunning(pid)) {
    assert.ok(Date.now() - startedAt < 8000, 'what the konnector started still runs')
    await new Promise(resolve => setImmediate(resolve))
  }
})
