import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { createMask } from '../../src/deploy/mask.ts'
import { fromOldFlags } from '../../src/deploy/old-flags.ts'
import { addressOf, findTarget } from '../../src/deploy/repository.ts'
import { GIT_ENV, gitIn, makePlace } from './help.ts'

const TOKEN = 'ghp_plantedSecret0123456789'

test('forms of `repository` in package.json', () => {
  const forms: Record<string, string> = {
    'github:me/it': 'https://github.com/me/it.git',
    'gitlab:me/it': 'https://gitlab.com/me/it.git',
    'me/it': 'https://github.com/me/it.git',
    'git+https://github.com/me/it.git': 'https://github.com/me/it.git',
    'git+ssh://git@github.com/me/it.git#master': 'ssh://git@github.com/me/it.git',
    'git://github.com/me/it.git': 'https://github.com/me/it.git',
    'git@github.com:me/it.git': 'git@github.com:me/it.git',
  }
  for (const [declared, address] of Object.entries(forms)) assert.equal(addressOf(declared), address)
})

test('option, else package.json (by the remote that is the same place), else origin', () => {
  const origin = { name: 'origin', url: 'git@github.com:Me/it.git' }
  const declared = { repository: { url: 'git+https://github.com/me/it.git' } }
  assert.equal(findTarget('/x', 'https://a.example/b.git', declared, [origin]).repository, 'https://a.example/b.git')
  assert.equal(findTarget('/x', undefined, declared, [origin]).repository, 'origin')
  assert.equal(findTarget('/x', undefined, declared, []).repository, 'https://github.com/me/it.git')
  assert.equal(findTarget('/x', undefined, { repository: 'you/it' }, [origin]).address, 'https://github.com/you/it.git')
  assert.equal(findTarget('/x', undefined, {}, [origin]).repository, 'origin')
  assert.throws(() => findTarget('/x', undefined, {}, []), /no remote named origin/)
  assert.throws(() => findTarget('/x', 'upstream', {}, [origin]), /there is: origin/)
})

test('flags win over the environment, which wins over package.json; empty ones do not count', async () => {
  using place = makePlace()
  place.write('package.json', JSON.stringify({ repository: `file://${place.top}/nowhere.git` }))
  assert.match((await place.deploy(['--repo='])).stderr, /nowhere\.git cannot be read/)
  const env = { DEPLOY_REPOSITORY: place.remote, DEPLOY_BRANCH: 'from-env' }
  assert.equal((await place.deploy([], env)).code, 0)
  assert.equal(
    (await place.deploy(['--branch=from-flag', '--repo=origin'], { ...env, DEPLOY_REPOSITORY: '/no' })).code,
    0,
  )
  assert.deepEqual(place.there('branch', '--format=%(refname:short)').split('\n'), ['from-env', 'from-flag', 'master'])
})

test('a remote that reads here and pushes there: the branch is the one over there', async () => {
  using place = makePlace()
  const there = join(place.top, 'there.git')
  gitIn(place.top, ['init', '-q', '--bare', there])
  place.git('config', 'remote.origin.pushurl', there)
  for (const text of ['1', '2']) {
    place.write('build/index.js', text)
    const { code, stderr } = await place.deploy()
    assert.deepEqual([code, stderr], [0, ''])
  }
  assert.equal(gitIn(there, ['rev-list', '--count', 'build']), '2')
  assert.equal(place.there('branch', '--list', 'build'), '')
})

test('a token in the address is never shown, whatever happens, --verbose included', async () => {
  using place = makePlace()
  const url = `https://x-access-token:${TOKEN}@vendor.example/me/it.git`
  place.git('config', `url.file://${place.remote}.insteadOf`, url)
  const good = await place.deploy(['--repo', url, '--verbose'])
  assert.equal(good.code, 0)
  assert.match(good.stdout, /https:\/\/\*\*\*@vendor\.example\/me\/it\.git/)
  assert.match(good.stderr, /^git push /m)
  const bad = [
    await place.deploy([`--repo=http://${TOKEN}@127.0.0.1:9/it.git?private_token=${TOKEN}`, '--verbose']),
    await place.deploy([`--repo=http://${TOKEN}@127.0.0.1:9/it.git`, '--json'], { GITHUB_TOKEN: TOKEN }),
  ]
  place.git('remote', 'set-url', 'origin', `http://me:${TOKEN}@127.0.0.1:9/it.git`)
  bad.push(await place.deploy(['--verbose']))
  for (const { code } of bad) assert.equal(code, 1)
  for (const { stdout, stderr } of [good, ...bad]) assert.ok(!(stdout + stderr).includes(TOKEN), stdout + stderr)
})

test('the mask hides a token that git repeats elsewhere, encoded or not', () => {
  const mask = createMask({})
  mask.learn('https://me:se%2Fcret%21@host.example/x')
  assert.equal(
    mask.hide('fatal: se/cret! and se%2Fcret%21 at ssh://git@host/x'),
    'fatal: *** and *** at ssh://git@host/x',
  )
})

test('git-directory-deploy: its flags, its defaults, its file', () => {
  assert.deepEqual(
    fromOldFlags(['-d', 'build', '-b=x', '-r', '', '-m', '-dash', '-v', '-a', '-i', '-u', 'U', '-e', 'E']),
    [
      ...['--directory=build', '--branch=x', '--repo=', '--message=-dash', '--verbose', '--allow-empty'],
      ...['--ignore-removal', '--username=U', '--email=E'],
    ],
  )
  assert.deepEqual(fromOldFlags(['--allow_empty', '--remote=r']), [
    ...['--allow-empty', '--repo=r', '--directory=_site', '--branch=gh-pages'],
  ])
  using place = makePlace({ 'build/kept.txt': '' })
  const bin = join(import.meta.dirname, '../../src/deploy/bin-git-directory-deploy.ts')
  const old = (...args: string[]) => {
    const env = { ...process.env, ...GIT_ENV }
    const { status, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: place.root, env, encoding: 'utf8' })
    assert.deepEqual([status, stderr], [0, ''])
  }
  old('--directory', 'build/', '--branch', 'build', '--repo=')
  gitIn(place.root, ['clean', '-fxq', 'build/kept.txt'])
  place.write('build/index.js', 'new')
  old('-d', 'build', '-b', 'build', '-i')
  assert.equal(place.there('ls-tree', '-r', '--name-only', 'build'), 'index.js\nkept.txt\nmanifest.konnector')
  assert.equal(place.there('cat-file', '-p', 'build:index.js'), 'new')
})
