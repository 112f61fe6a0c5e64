import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NamedResult } from '../../src/battery/check.ts'
import { runTests } from '../../src/battery/run-tests.ts'
import { CONFIG, capture, MANIFEST, makeProject, runStandalone, type TestProject } from '../help/project.ts'
import { LOGIN, startTinyVendor, tinyKonnector } from '../help/vendor.ts'

const FILES = { 'manifest.konnector': MANIFEST, 'konnector-dev-config.json': CONFIG, 'src/index.js': tinyKonnector() }

async function battery(
  project: TestProject,
): Promise<{ code: number; checks: Record<string, NamedResult>; output: string }> {
  const captured = capture(project.root)
  const code = await runTests({ json: true }, captured.terminal)
  const output = captured.stdout()
  const { checks } = JSON.parse(output) as { checks: NamedResult[] }
  return { code, output, checks: Object.fromEntries(checks.map(check => [check.name, check])) }
}

async function recorded(files: Record<string, string | object>, options: { as?: string } = {}): Promise<TestProject> {
  const project = await makeProject(files)
  await using vendor = await startTinyVendor()
  const result = await runStandalone(project, { record: true, dir: 'recorded', host: [vendor.host], ...options })
  assert.match(result.stdout, /Recorded/, result.stdout + result.stderr)
  return project
}

test('a good konnector passes everything, without its configuration, its own tests included', async () => {
  await using project = await recorded(FILES)
  const { rm } = await import('node:fs/promises')
  await rm(`${project.root}/konnector-dev-config.json`)
  await project.write('test/own.test.mjs', "import test from 'node:test'; test('mine', () => {})")
  const { code, checks, output } = await battery(project)
  assert.deepEqual(
    Object.values(checks).map(({ name, status }) => `${status} ${name}`),
    [
      'passed the script and the manifest are there and valid',
      'passed there is a recording to replay',
      'passed data arrives',
      'passed a second run writes nothing',
      'passed the permissions cover what is used',
      'passed no secret in the log',
      'passed a wrong password gives LOGIN_FAILED',
      'passed a vendor that is down gives VENDOR_DOWN',
      "passed the konnector's own tests (1 file)",
    ],
    output,
  )
  assert.equal(code, 0)
})

test('each defect is found and told with what to do', async () => {
  const careless = tinyKonnector(
    `log('info', 'with ' + fields.password.split('').join('') + String.fromCharCode(46))
     console.log('raw ' + Buffer.from(fields.password).toString())
     await require('cozy-konnector-libs').addData([{ at: 'x' }], 'com.other.things')`,
    '',
  ).replace('throw new Error(errors.VENDOR_DOWN)', "throw new Error('Oops')")
  await using project = await recorded({ ...FILES, 'src/index.js': careless })
  await project.write(
    'test/own.test.mjs',
    "import test from 'node:test'; test('mine', () => { throw new Error('own failure') })",
  )
  const { code, checks } = await battery(project)
  assert.equal(code, 1)
  const detail = (name: string, status: string): string => {
    assert.equal(checks[name]?.status, status, `${name}: ${JSON.stringify(checks[name])}`)
    return `${checks[name]!.detail} ${checks[name]!.log?.join('\n') ?? ''}`
  }
  assert.match(detail('a second run writes nothing', 'failed'), /created com\.other\.things .*keys/)
  assert.match(detail('the permissions cover what is used', 'failed'), /POST com\.other\.things/)
  assert.match(detail('no secret in the log', 'failed'), /the field "password": raw \*+/)
  assert.match(detail('a wrong password gives LOGIN_FAILED', 'failed'), /reported success/)
  assert.match(detail('a vendor that is down gives VENDOR_DOWN', 'failed'), /answers 503.*errors\.VENDOR_DOWN/)
  assert.match(detail("the konnector's own tests (1 file)", 'failed'), /own failure/)
})

test('a recorded wrong password is used; without any clue the check is skipped and says how to add it', async () => {
  await using project = await recorded(FILES)
  await project.write('konnector-dev-config.json', { fields: { login: LOGIN, password: 'planted-wrong-one' } })
  {
    await using vendor = await startTinyVendor()
    const wrong = await runStandalone(project, { record: true, as: 'wrong-password', dir: 'w', host: [vendor.host] })
    assert.equal(wrong.code, 1)
  }
  const { checks } = await battery(project)
  assert.equal(checks['a wrong password gives LOGIN_FAILED']?.status, 'passed')

  await using other = await makeProject({ ...FILES, 'src/index.js': "console.log('nothing to ask')" })
  await runStandalone(other, { record: true })
  const none = await battery(other)
  assert.equal(none.checks['data arrives']?.status, 'failed')
  assert.match(String(none.checks['data arrives']?.detail), /brought nothing/)
  assert.equal(none.checks['a second run writes nothing']?.status, 'skipped')
  assert.equal(none.checks['a wrong password gives LOGIN_FAILED']?.status, 'skipped')
  assert.match(String(none.checks['a wrong password gives LOGIN_FAILED']?.detail), /--record --as wrong-password/)
  assert.equal(none.checks['a vendor that is down gives VENDOR_DOWN']?.status, 'skipped')
})

test('without a recording, or with a bad manifest, it fails and says why; the output is TAP', async () => {
  await using project = await makeProject({ 'index.js': '1', 'manifest.konnector': { ...MANIFEST, slug: undefined } })
  const captured = capture(project.root)
  assert.equal(await runTests({}, captured.terminal), 1)
  const lines = captured.stdout().split('\n')
  assert.equal(lines[0], 'TAP version 14')
  assert.match(
    captured.stdout(),
    /\nnot ok 1 - the script and the manifest are there and valid\n {2}# error manifest\.konnector.*slug/,
  )
  assert.match(captured.stdout(), /\nnot ok 2 - there is a recording to replay\n {2}# .*konnectory standalone --record/)
  assert.match(captured.stdout(), /\n1\.\.2\n# 0 passed, 2 failed, 0 skipped\n$/)
})

test('a script that cannot be bundled, a recording that cannot be read: failures of their checks, still TAP', async () => {
  await using project = await makeProject({
    'index.js': 'const a = {',
    'manifest.konnector': MANIFEST,
    'fixtures/standalone.har': '{',
  })
  const captured = capture(project.root)
  assert.equal(await runTests({}, captured.terminal), 1)
  assert.match(
    captured.stdout(),
    /\nnot ok 1 .*valid\n {2}# index\.js:1:12: Expected identifier but found end of file\n/,
  )
  assert.match(captured.stdout(), /\nnot ok 2 .*\n {2}# .*standalone\.har is not JSON: .* Make it anew with/)
  assert.match(captured.stdout(), /\n1\.\.2\n/)
})

test('without a manifest the runs are left out: nothing would be recognised the second time', async () => {
  await using project = await makeProject({ 'src/index.js': '1', 'fixtures/standalone.har': { log: { entries: [] } } })
  const { checks, code } = await battery(project)
  assert.equal(code, 1)
  assert.deepEqual(
    Object.values(checks).map(({ status }) => status),
    ['failed', 'passed'],
  )
})
