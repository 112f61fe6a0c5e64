import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createRunner, type SelfTestReport } from '../src/index.ts'
import { openJail } from './help/jail.ts'

const silent = { info() {}, warn() {}, error() {} }

test('the jail holds, and the self-test says what it tried', async () => {
  const report = await openJail().runner.selfTest()
  assert.deepEqual(
    report.checks.filter(({ holds }) => !holds),
    [],
  )
  assert.equal(report.holds, true)
  assert.ok(report.checks.length >= 28, `${report.checks.length} checks`)
})

test('without bubblewrap, or with one too old, there is no runner, and the sentence says what to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kr-path-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const { PATH } = process.env
  try {
    process.env.PATH = folder
    const create = () => createRunner({ cacheDirectory: join(folder, 'cache'), log: silent })
    assert.throws(create, { code: 'driver_unavailable', message: /apt-get install bubblewrap/ })
    writeFileSync(join(folder, 'bwrap'), '#!/bin/sh\necho bubblewrap 0.4.1\n', { mode: 0o755 })
    assert.throws(create, { code: 'driver_unavailable', message: /0\.4 is too old/ })
    assert.throws(() => createRunner({ driver: 'nsjail', cacheDirectory: folder, log: silent }), {
      code: 'driver_unavailable',
      message: /nsjail is not installed/,
    })
  } finally {
    process.env.PATH = PATH
  }
})

test('a jail that cannot be set up fails closed: the self-test does not hold, a run is an error of ours', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kr-broken-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  // Answers its version, then fails as it does where namespaces are refused.
  writeFileSync(
    join(folder, 'bwrap'),
    '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit\necho "bwrap: No permissions to create a new namespace" >&2\nexit 1\n',
    { mode: 0o755 },
  )
  const { PATH } = process.env
  process.env.PATH = `${folder}:${PATH}`
  try {
    const runner = createRunner({ cacheDirectory: join(folder, 'cache'), log: silent })
    const report = await runner.selfTest()
    assert.equal(report.holds, false)
    assert.match(
      report.checks.at(-1)!.detail,
      /could not be set up:.*No permissions to create a new namespace.*AppArmor/s,
    )
    const dir = join(folder, 'konnector')
    mkdirSync(dir)
    await assert.rejects(runner.run({ dir, env: {}, domains: [] }), { code: 'setup' })
  } finally {
    process.env.PATH = PATH
  }
})

/** The same code as another user, where he can read it, with a Node he can run. */
function asUser(how: 'spawned' | 'dropped'): SelfTestReport & { user: { uid: number }; said: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'kr-user-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  cpSync(join(import.meta.dirname, '../src'), join(folder, 'src'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  cpSync(process.execPath, join(folder, 'node'), { dereference: true })
  chmodSync(join(folder, 'node'), 0o755)
  const uid = 60_990
  const own = join(folder, 'own')
  mkdirSync(join(own, 'konnector'), { recursive: true })
  writeFileSync(join(own, 'konnector', 'index.js'), `console.log('ran as ' + process.getuid())`)
  for (const path of [own, join(own, 'konnector'), join(own, 'konnector', 'index.js')]) chownSync(path, uid, uid)
  chmodSync(join(own, 'konnector'), 0o700)
  writeFileSync(
    join(folder, 'main.ts'),
    `
    ${how === 'dropped' ? `process.setgroups([]); process.setgid(${uid}); process.setuid(${uid})` : ''}
    const { createRunner } = await import('./src/index.ts')
    const runner = createRunner({ cacheDirectory: '${own}/cache', log: { info() {}, warn() {}, error() {} } })
    const said: string[] = []
    await runner.run({ dir: '${own}/konnector', env: {}, domains: [], onLine: ({ text }) => void said.push(text) })
    console.log(JSON.stringify({ ...(await runner.selfTest()), user: runner.user, said }))`,
  )
  const text = execFileSync(join(folder, 'node'), ['--no-warnings', join(folder, 'main.ts')], {
    ...(how === 'spawned' && { uid, gid: uid }),
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env.PATH },
    timeout: 100_000,
  })
  return JSON.parse(text)
}

for (const how of ['spawned', 'dropped'] as const) {
  test(`an ordinary user (${how === 'spawned' ? 'started as one' : 'root before'}): the jail holds as well`, t => {
    if (process.getuid?.() !== 0) return t.skip('already one: all other tests show it')
    const report = asUser(how)
    assert.deepEqual(
      report.checks.filter(({ holds }) => !holds),
      [],
    )
    assert.equal(report.user.uid, 60_990)
    assert.deepEqual(report.said, ['ran as 65534'])
  })
}

test('root never runs konnectors as root', () => {
  const options = { cacheDirectory: tmpdir(), log: silent, user: { uid: 0, gid: 0 } }
  if (process.getuid?.() === 0) assert.throws(() => createRunner(options), /never run as root/)
  else assert.notEqual(createRunner({ ...options, cacheDirectory: mkdtempSync(join(tmpdir(), 'kr-')) }).user.uid, 0)
})
