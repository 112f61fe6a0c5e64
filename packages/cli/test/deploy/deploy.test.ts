import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { deployIn, gitIn, makePlace, type Place } from './help.ts'

const state = ({ root, git }: Place) => ({
  head: readFileSync(join(root, '.git/HEAD'), 'utf8'),
  index: readFileSync(join(root, '.git/index')),
  status: git('status', '--porcelain', '--ignored'),
})

test('first deploy: an orphan with exactly the build; HEAD, the index and the work tree stay', async () => {
  using place = makePlace({ 'build/été & co/a b.txt': 'x', 'build/run.sh': '#!/bin/sh\n' })
  const { root, git, there } = place
  chmodSync(join(root, 'build/run.sh'), 0o755)
  place.write('staged.txt', 'staged')
  git('add', 'staged.txt')
  place.write('src/index.js', '// edited')
  place.write('build/index.js', 'console.log(1)\r\n')
  git('config', 'core.autocrlf', 'input')
  const before = state(place)
  const { code, stdout, stderr } = await place.deploy()
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(
    stdout,
    /tiny 1\.0\.0: build\/ is in the branch build of .*remote\.git, commit [0-9a-f]{7}, the first one\./,
  )
  assert.match(stdout, /note: sources are changed but not committed/)
  assert.deepEqual(state(place), before)
  assert.equal(
    there('-c', 'core.quotePath=false', 'ls-tree', '-r', '--format=%(objectmode) %(path)', 'build'),
    ['100644 index.js', '100644 manifest.konnector', '100755 run.sh', '100644 été & co/a b.txt'].join('\n'),
  )
  assert.equal(there('cat-file', '-s', 'build:index.js'), '16', 'no line end is converted')
  assert.equal(
    there('log', '--format=%an <%ae>|%P|%B', 'build'),
    `Ada <ada@mail.example>||publish: feat: élan\n\ngenerated from commit ${git('rev-parse', 'HEAD')}`,
  )
  assert.equal(git('rev-parse', 'build'), there('rev-parse', 'build'))
})

test('then: a child of the remote head; a file that is gone is gone; the same build again is no commit', async () => {
  using place = makePlace({ 'build/old.txt': '1' })
  const { git, there } = place
  assert.equal((await place.deploy()).code, 0)
  const first = there('rev-parse', 'build')
  const again = await place.deploy()
  assert.equal(again.code, 0)
  assert.match(again.stdout, /^No changes to files in build\/ /m)
  assert.equal(there('rev-parse', 'build'), first)

  gitIn(place.root, ['branch', '-D', 'build'])
  assert.equal((await place.deploy()).code, 0)
  assert.equal(git('rev-parse', 'build'), first, 'the local branch comes back without a push')

  gitIn(place.root, ['clean', '-fdxq', 'build'])
  place.write('build/index.js', '2')
  place.write('build/manifest.konnector', readFileSync(join(place.root, 'manifest.konnector'), 'utf8'))
  const dry = await place.deploy(['--dry-run'])
  assert.match(dry.stdout, / would go to .*:\n {2}changed index\.js\n {2}removed old\.txt\nNothing was pushed\.\n$/)
  assert.equal(there('rev-parse', 'build'), first)
  const report = JSON.parse((await place.deploy(['--json', '--message', 'Signed-off: me'])).stdout)
  assert.deepEqual(
    [report.ok, report.changed, report.pushed, report.parent, report.changes],
    [true, true, true, first, ['changed index.js', 'removed old.txt']],
  )
  assert.equal(there('rev-parse', 'build^'), first)
  assert.match(there('log', '-1', '--format=%B', 'build'), /Signed-off: me$/)
  assert.equal((await place.deploy(['--allow-empty'])).code, 0)
  assert.equal(there('rev-parse', 'build^'), report.commit)
  assert.equal(there('diff', 'build^', 'build'), '')
})

test('a clone that knows nothing of the branch, and a shallow one, go on from the remote head', async () => {
  using place = makePlace()
  assert.equal((await place.deploy()).code, 0)
  place.write('README.md', 'second commit')
  place.git('add', '.')
  place.git('commit', '-qm', 'second')
  place.git('push', '-q', 'origin', 'master')
  for (const depth of [[], ['--depth=1']]) {
    const clone = join(place.top, `clone${depth.length}`)
    const url = pathToFileURL(place.remote).href
    gitIn(place.top, ['clone', '-q', '--single-branch', '--branch=master', ...depth, url, clone])
    mkdirSync(join(clone, 'build'))
    writeFileSync(join(clone, 'build/index.js'), `clone ${depth}`)
    writeFileSync(join(clone, 'build/manifest.konnector'), readFileSync(join(clone, 'manifest.konnector')))
    const before = place.there('rev-parse', 'build')
    const { code, stderr } = await deployIn(clone)
    assert.deepEqual([code, stderr], [0, ''])
    assert.equal(place.there('rev-parse', 'build^'), before)
    assert.equal(gitIn(clone, ['rev-parse', '--is-shallow-repository']), String(depth.length > 0))
  }
})

/** A git that pushes a commit of somebody else just before each of our first pushes. */
function rival(place: Place, times: number): string {
  const bin = join(place.top, 'bin')
  mkdirSync(bin)
  const git = process.env.PATH?.split(':')
    .map(folder => join(folder, 'git'))
    .find(existsSync)
  writeFileSync(
    join(bin, 'git'),
    `#!/bin/sh
case " $* " in *" push "*)
  if [ $(cat ${place.top}/count 2>/dev/null | wc -l) -lt ${times} ]; then
    echo >> ${place.top}/count
    cd ${place.remote}
    ${git} update-ref refs/heads/build $(echo rival | ${git} commit-tree $(${git} rev-parse 'master^{tree}') $(${git} rev-parse -q --verify build >/dev/null && echo -p build))
    cd - >/dev/null
  fi;;
esac
exec ${git} "$@"
`,
  )
  chmodSync(join(bin, 'git'), 0o755)
  return `${bin}:${process.env.PATH}`
}

test('somebody pushes meanwhile: fetched and tried again, once; never by force', async () => {
  using place = makePlace()
  const { code, stderr } = await place.deploy([], { PATH: rival(place, 1) })
  assert.deepEqual([code, stderr], [0, ''])
  assert.equal(place.there('log', '-1', '--format=%s', 'build^'), 'rival')
  assert.equal(place.there('ls-tree', '-r', '--name-only', 'build'), 'index.js\nmanifest.konnector')

  using other = makePlace()
  const refused = await other.deploy([], { PATH: rival(other, 9) })
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /Somebody else keeps pushing to the branch build .* Nothing was deployed/)
  assert.equal(other.there('log', '-1', '--format=%s', 'build'), 'rival')
})

test('hooks do not run', async () => {
  using place = makePlace()
  for (const hook of ['pre-push', 'reference-transaction', 'post-index-change', 'pre-commit', 'post-commit']) {
    const file = join(place.root, '.git/hooks', hook)
    writeFileSync(file, `#!/bin/sh\ntouch ${place.top}/ran\nexit 1\n`)
    chmodSync(file, 0o755)
  }
  const { code, stderr } = await place.deploy()
  assert.deepEqual([code, stderr], [0, ''])
  assert.ok(!existsSync(join(place.top, 'ran')))
})

test('without an identity: a neutral one, and a sentence; the old flags -u and -e fill it in', async () => {
  using place = makePlace()
  const none = { GIT_AUTHOR_NAME: '', GIT_AUTHOR_EMAIL: '', GIT_COMMITTER_NAME: '', GIT_COMMITTER_EMAIL: '', EMAIL: '' }
  const nobody = Object.fromEntries(Object.keys(none).map(name => [name, undefined]))
  const { code, stdout } = await place.deploy([], nobody)
  assert.equal(code, 0)
  assert.match(stdout, /note: git does not know who you are: the commit is by konnectory deploy </)
  assert.match(place.there('log', '-1', '--format=%an %cn', 'build'), /^konnectory deploy konnectory deploy$/)
  await place.deploy(['--allow-empty', '--username=Grace', '--email=grace@mail.example'], nobody)
  assert.equal(place.there('log', '-1', '--format=%an <%ae>', 'build'), 'Grace <grace@mail.example>')
  place.git('config', 'user.name', 'Configured')
  place.git('config', 'user.email', 'c@mail.example')
  const known = await place.deploy(['--allow-empty'], nobody)
  assert.ok(!known.stdout.includes('does not know'))
  assert.equal(place.there('log', '-1', '--format=%cn', 'build'), 'Configured')
})

test('in a folder of a larger repository', async () => {
  using place = makePlace()
  for (const path of ['src/index.js', 'manifest.konnector', 'build/index.js', 'build/manifest.konnector'])
    place.write(`konnectors/one/${path}`, readFileSync(join(place.root, path), 'utf8'))
  const one = join(place.root, 'konnectors/one')
  const { code } = await deployIn(one, ['--repo', '../../../remote.git', '--branch=one'])
  assert.equal(code, 0)
  assert.equal(place.there('ls-tree', '-r', '--name-only', 'one'), 'index.js\nmanifest.konnector')
  writeFileSync(join(one, 'build/index.js'), '2')
  const next = JSON.parse((await deployIn(one, ['--branch=one', '--json'])).stdout)
  assert.deepEqual([next.pushed, next.changes], [true, ['changed index.js']])
})
