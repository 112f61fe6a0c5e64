import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MANIFEST } from '../help/project.ts'
import { deployIn, gitIn, makePlace, type Place } from './help.ts'

async function refused(place: Place, reason: RegExp, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const { code, stdout, stderr } = await place.deploy(args, env)
  assert.deepEqual([code, stdout], [1, ''])
  assert.match(stderr, reason)
  assert.ok(!/^\s+at /m.test(stderr), 'no stack trace')
  assert.equal(place.there('branch', '--list', 'build'), '')
}

test('a build that is missing, empty, incomplete, invalid, or holds a link', async () => {
  using place = makePlace()
  const build = join(place.root, 'build')
  symlinkSync('/etc/passwd', join(build, 'link'))
  await refused(place, /build\/link is a symbolic link/)
  rmSync(join(build, 'link'))
  place.write('build/manifest.konnector', '{')
  await refused(place, /The manifest in build\/ is not valid\.[^\n]*\n {2}error manifest\.konnector: not JSON/)
  place.write('build/manifest.konnector', JSON.stringify({ ...MANIFEST, slug: '' }))
  await refused(place, /error manifest\.konnector \/slug/)
  rmSync(join(build, 'manifest.konnector'))
  await refused(place, /build\/ has no manifest\.konnector.*konnectory build/)
  place.write('build/manifest.konnector', JSON.stringify(MANIFEST))
  rmSync(join(build, 'index.js'))
  await refused(place, /build\/ has no index\.js/)
  rmSync(join(build, 'manifest.konnector'))
  await refused(place, /build\/ is empty\. Run konnectory build/)
  rmSync(build, { recursive: true })
  await refused(place, /There is no build\/\. Run konnectory build/)
  await refused(place, /holds the konnector itself/, ['--directory', '.'])
  const json = await place.deploy(['--json'])
  assert.deepEqual([json.code, JSON.parse(json.stdout).ok], [1, false])
})

test('a build that is older than a source or the manifest, unless --stale-ok', async () => {
  using place = makePlace({ 'assets/a.txt': '' })
  const later = new Date(Date.now() + 60_000)
  for (const file of ['src/index.js', 'assets/a.txt']) {
    utimesSync(join(place.root, file), later, later)
    await refused(place, new RegExp(`${file} was changed after build/ was built`))
    utimesSync(join(place.root, file), new Date(0), new Date(0))
  }
  place.write('manifest.konnector', JSON.stringify({ ...MANIFEST, version: '1.0.1' }))
  utimesSync(join(place.root, 'manifest.konnector'), later, later)
  await refused(place, /manifest\.konnector was changed after/)
  assert.equal((await place.deploy(['--stale-ok'])).code, 0)
})

test('a branch that is checked out, that holds the sources, or that is none', async () => {
  using place = makePlace()
  await refused(place, /The branch master is checked out/, ['--branch', 'master'])
  place.git('checkout', '-q', '--detach')
  await refused(place, /The branch master holds the sources/, [], { DEPLOY_BRANCH: 'master' })
  await refused(place, /"a\.\.b" cannot be the name of a branch/, ['--branch', 'a..b'])
})

test('outside a repository, before the first commit, and without git', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-no-git-'))
  try {
    const outside = await deployIn(folder, [], { GIT_CEILING_DIRECTORIES: tmpdir() })
    assert.match(outside.stderr, /^ERROR: This folder is not in a git repository.*git init/)
    gitIn(folder, ['init', '-q'])
    assert.match((await deployIn(folder)).stderr, /There is no commit yet/)
    const missing = await deployIn(folder, [], { PATH: join(folder, 'nowhere') })
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /^ERROR: git is not installed/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a push the remote refuses, and a remote that is not there: what git says, nothing moved', async () => {
  using place = makePlace()
  writeFileSync(join(place.remote, 'hooks/pre-receive'), '#!/bin/sh\necho protected by Ada >&2\nexit 1\n', {
    mode: 0o755,
  })
  await refused(place, /refused the push: git says:[\s\S]*protected by Ada/)
  assert.equal(place.git('branch', '--list', 'build'), '')
  await refused(place, /nowhere\.git cannot be read/, ['--repo', join(place.top, 'nowhere.git')])
})
