import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONFIG, MANIFEST, makeProject, runStandalone } from '../help/project.ts'
import { LOGIN, PASSWORD, startTinyVendor, tinyKonnector } from '../help/vendor.ts'

const CLOCK =
  "console.log('CLOCK ' + new Date().toISOString() + ' ' + Math.random() + ' ' + require('crypto').randomUUID())"
const FILES = {
  'manifest.konnector': MANIFEST,
  'konnector-dev-config.json': CONFIG,
  'src/index.js': tinyKonnector(CLOCK),
}

test('record, then replay offline: same documents, no secret in the file, three runs with the second and third writing nothing', async () => {
  await using project = await makeProject(FILES)
  {
    await using vendor = await startTinyVendor()
    const recorded = await runStandalone(project, { record: true, dir: 'first', host: [vendor.host] })
    assert.equal(recorded.code, 0, recorded.stdout + recorded.stderr)
    assert.match(recorded.stdout, /Recorded \d exchanges in .*fixtures\/standalone\.har/)
  }
  const text = await project.read('fixtures/standalone.har')
  for (const secret of [LOGIN, PASSWORD, 'planted', encodeURIComponent(LOGIN)])
    assert.ok(!text.includes(secret), secret)

  // Dummy credentials: a replay has its own.
  await project.write('konnector-dev-config.json', { fields: { login: 'dummy', password: 'dummy-password' } })
  const starts: string[] = []
  const clocks: string[] = []
  for (const dir of ['a', 'b']) {
    const run = await runStandalone(project, { replay: true, dir })
    assert.equal(run.code, 0, run.stdout + run.stderr)
    assert.match(run.stdout, /io\.cozy\.bills +1 new/)
    starts.push(await project.read(`${dir}/importedData.json`))
    clocks.push(/CLOCK (.*)/.exec(run.stdout)![1]!)
  }
  assert.equal(starts[0], starts[1], 'equal starts give equal bytes')
  assert.equal(clocks[0], clocks[1])
  const { recordedAt } = JSON.parse(text).log._konnectory
  assert.ok(clocks[0]!.startsWith(recordedAt.slice(0, 16)), 'the clock is that of the recording')

  const before = JSON.parse(await project.read('a/importedData.json'))
  for (const time of ['second', 'third']) {
    const again = await runStandalone(project, { replay: true, dir: 'a' })
    assert.equal(again.code, 0, again.stdout + again.stderr)
    assert.match(again.stdout, /io\.cozy\.bills +0 new, 0 updated, 1 unchanged/, time)
    const after = JSON.parse(await project.read('a/importedData.json'))
    for (const doctype of ['io.cozy.bills', 'io.cozy.files'])
      assert.deepEqual(after[doctype], before[doctype], `${time} run: ${doctype}`)
  }
})

test('REPLAY is honoured; replay needs a recording; a request that is not in it fails the run even when the konnector hides it', async () => {
  await using project = await makeProject(FILES)
  await assert.rejects(
    runStandalone(project, {}, { REPLAY: 'replay' }),
    /There is no recording .*standalone\.har.*--record/,
  )
  await assert.rejects(runStandalone(project, {}, { REPLAY: 'maybe' }), /REPLAY=maybe is not understood/)
  await assert.rejects(runStandalone(project, { record: true, replay: true }), /cannot be used together/)
  await using vendor = await startTinyVendor()
  const recorded = await runStandalone(project, { host: [vendor.host], dir: 'x' }, { REPLAY: 'record' })
  assert.equal(recorded.code, 0, recorded.stderr)
  const asked = vendor.requests.length
  await project.write('src/index.js', tinyKonnector(`await request(base + '/new-page').catch(() => {})`))
  const replayed = await runStandalone(project, { dir: 'y' }, { REPLAY: 'replay' })
  assert.equal(replayed.code, 1)
  assert.match(
    replayed.stderr,
    /GET http:\/\/vendor\.test\/new-page is not in the recording\. The nearest recorded request is .*record again/,
  )
  assert.equal(vendor.requests.length, asked, 'the network was not used')
  const bloody = await runStandalone(project, { host: [vendor.host], dir: 'z' }, { REPLAY: 'bloody' })
  assert.equal(bloody.code, 0)
  assert.ok(vendor.requests.length > asked)
})

test('a state that the konnector invents is carried through a replay, whatever its value', async () => {
  const { createReplayer } = await import('../../src/record/replayer.ts')
  const { makeRecording } = await import('../../src/record/recorder.ts')
  const { answerScript, recordScript } = await import('./help/child.ts')
  const { startVendor } = await import('./help/vendor.ts')
  await using vendor = await startVendor((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://v')
    response.writeHead(302, { location: `http://app.test/cb?state=${searchParams.get('state')}&code=abcdefgh` }).end()
  })
  const script = (state: string): string => `
    const answer = await fetch('http://vendor.test/authorize?state=${state}&at=' + Date.now(), { redirect: 'manual' })
    report(new URL(answer.headers.get('location')).searchParams.get('state'))`
  const pins = { 'vendor.test': { host: '127.0.0.1', port: vendor.port, tls: false } }
  const recorded = await recordScript(script('recorded-random-1'), pins)
  assert.deepEqual(recorded.reports, ['recorded-random-1'])
  const { har } = makeRecording(recorded.exchanges, 'done', { fields: {}, startedAt: Date.now() })
  assert.ok(!JSON.stringify(har).includes('recorded-random-1'))
  const replayed = await answerScript(script('other-random-22'), createReplayer(har).handle)
  assert.deepEqual(replayed.reports, ['other-random-22'], replayed.stderr)
})

test('equal requests get their answers in recorded order; a POST once more than recorded fails', async () => {
  const { createReplayer } = await import('../../src/record/replayer.ts')
  const { makeRecording } = await import('../../src/record/recorder.ts')
  const { answerScript, recordScript } = await import('./help/child.ts')
  const { startVendor } = await import('./help/vendor.ts')
  let count = 0
  await using vendor = await startVendor((_request, response) => void response.end(`answer ${++count}`))
  const ask = (method: string, times: number): string =>
    `for (let i = 0; i < ${times}; i++) report(await fetch('http://vendor.test/x', { method: '${method}' }).then(r => r.text(), e => e.cause.code));`
  const pins = { 'vendor.test': { host: '127.0.0.1', port: vendor.port, tls: false } }
  const { exchanges } = await recordScript(ask('GET', 2) + ask('POST', 1), pins)
  const { har } = makeRecording(exchanges, 'done', { fields: {}, startedAt: Date.now() })
  const replayed = await answerScript(ask('GET', 3) + ask('POST', 2), createReplayer(har).handle)
  assert.deepEqual(replayed.reports, ['answer 1', 'answer 2', 'answer 2', 'answer 3', 'ERR_NOT_RECORDED'])
})

test('the replayed clock stands still while code runs and moves with timers', async () => {
  const { runScript } = await import('./help/child.ts')
  const start = Date.parse('2026-01-02T03:04:05.000Z')
  const result = await runScript(
    `report(Date.now()); for (let i = 0; i < 1000; i++) new Date(); report(new Date().getTime())
     await new Promise(r => setTimeout(r, 50)); report(Date.now())
     await require('timers/promises').setTimeout(20); report(Date.now())
     const end = Date.now() + 5; while (Date.now() < end); report(new Date() instanceof Date && typeof Date() === 'string' && new Date(0).toISOString() === '1970-01-01T00:00:00.000Z')`,
    { stack: 0, pins: {} },
    { KONNECTORY_CLOCK: String(start) },
  )
  assert.deepEqual(result.reports, [start, start, start + 50, start + 70, true], result.stderr)
})

test('a two-factor code is not in the recording, and the replay needs nobody', async () => {
  const konnector = `
    const { BaseKonnector } = require('cozy-konnector-libs')
    module.exports = new BaseKonnector(async function () {
      const code = await this.waitForTwoFaCode({ type: 'email', heartBeat: 50 })
      const answer = await (await fetch('http://vendor.test/otp', { method: 'POST', body: new URLSearchParams({ otp: code }) })).text()
      if (answer !== 'welcome') throw new Error('LOGIN_FAILED')
    })`
  const { startVendor } = await import('./help/vendor.ts')
  await using project = await makeProject({ ...FILES, 'src/index.js': konnector })
  await using vendor = await startVendor((request, response) => {
    request.on('data', chunk => response.end(String(chunk) === 'otp=582913' ? 'welcome' : 'no'))
  })
  const recorded = await runStandalone(
    project,
    { record: true, host: [`vendor.test=127.0.0.1:${vendor.port}`] },
    {},
    '582913\n',
  )
  assert.equal(recorded.code, 0, recorded.stdout + recorded.stderr)
  assert.ok(!(await project.read('fixtures/standalone.har')).includes('582913'))
  const replayed = await runStandalone(project, { replay: true })
  assert.equal(replayed.code, 0, replayed.stdout + replayed.stderr)
})
