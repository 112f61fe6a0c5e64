/** Konnectors that look for what is not theirs: files, sockets and variables of the host, of the server, of other runs. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openJail } from '../help/jail.ts'

const jail = openJail()
const host = mkdtempSync(join(tmpdir(), 'kr-host-'))
chmodSync(host, 0o755)
after(() => rmSync(host, { recursive: true, force: true }))
const SECRET = 'planted-secret-7f3a'
const secretFile = join(host, 'secret')
writeFileSync(secretFile, SECRET, { mode: 0o644 })
chmodSync(secretFile, 0o644)

test('a konnector that reads files of the host finds other ones, or none', async () => {
  const result = await jail.run(
    `
    for (const file of [${JSON.stringify(secretFile)}, '/etc/shadow', '/etc/hostname', '/root/.bashrc', '/var/log', '/home', '/sys', '/boot', '/usr/bin/sh', '/bin/sh']) attempt(file, () => fs.readFileSync(file, 'utf8').length)
    report('passwd', fs.readFileSync('/etc/passwd', 'utf8').trim())
    report('root', fs.readdirSync('/').sort().join())`,
  )
  const { passwd, root, ...files } = result.tries
  assert.deepEqual([...new Set(Object.values(files))], ['ENOENT'])
  assert.equal(passwd, 'nobody:x:65534:65534:nobody:/tmp:/nonexistent')
  assert.equal(root!.replace(',lib64', ''), 'dev,etc,konnector,lib,proc,run,tmp,usr')
})

test('a konnector that climbs out by .., /proc/1/root and /proc/self/root stays in', async () => {
  const result = await jail.run(`
    for (const way of ['/konnector/../../../../..', '/proc/self/root', '/proc/1/root', '/proc/self/cwd/../../..'])
      attempt(way, () => fs.readFileSync(way + ${JSON.stringify(secretFile)}, 'utf8'))`)
  assert.equal(Object.keys(result.tries).length, 4)
  for (const got of Object.values(result.tries)) assert.match(got, /^(ENOENT|EACCES|EPERM)$/)
})

test('a konnector whose bundle holds links to the host reads nothing through them', async () => {
  const dir = mkdtempSync(join(host, 'bundle-'))
  symlinkSync(secretFile, join(dir, 'link'))
  symlinkSync(host, join(dir, 'folder'))
  writeFileSync(
    join(dir, 'index.js'),
    `for (const f of ['link', 'folder/secret']) { try { console.log(require('fs').readFileSync(f, 'utf8')) } catch (e) { console.log(e.code) } }`,
  )
  const said: string[] = []
  await jail.runner.run({ dir, env: {}, domains: [], onLine: ({ text }) => void said.push(text) })
  assert.deepEqual(said, ['ENOENT', 'ENOENT'])
  assert.equal(readFileSync(secretFile, 'utf8'), SECRET)
})

test('a konnector that leaves links and files in /tmp: nothing of it reaches the host', async () => {
  const before = readdirSync(tmpdir()).filter(name => name.startsWith('left-'))
  const result = await jail.run(`
    fs.symlinkSync(${JSON.stringify(secretFile)}, '/tmp/left-link'); fs.writeFileSync('/tmp/left-file', 'x')
    attempt('through', () => fs.writeFileSync('/tmp/left-link', 'overwritten'))
    report('seen', fs.readdirSync('/tmp').sort().join())`)
  assert.equal(result.tries.seen, 'left-file,left-link')
  assert.equal(result.tries.through, 'ENOENT')
  assert.deepEqual(
    readdirSync(tmpdir()).filter(name => name.startsWith('left-')),
    before,
  )
  assert.equal(readFileSync(secretFile, 'utf8'), SECRET)
})

test('a konnector that changes its work directory, its Node or the bridge cannot', async () => {
  const result = await jail.run(`
    attempt('write', () => fs.writeFileSync('/konnector/index.js', ''))
    attempt('new', () => fs.writeFileSync('/konnector/new.js', ''))
    attempt('delete', () => fs.unlinkSync('/konnector/index.js'))
    attempt('rename', () => fs.renameSync('/konnector', '/k'))
    attempt('rights', () => fs.chmodSync('/konnector', 0o777))
    attempt('node', () => fs.writeFileSync('/usr/bin/node', ''))
    attempt('bridge', () => fs.appendFileSync('/run/konnector/bridge.cjs', ''))
    attempt('hosts', () => fs.appendFileSync('/etc/hosts', ''))
    attempt('socket', () => fs.unlinkSync('/run/konnector/egress.sock'))
    attempt('root', () => fs.mkdirSync('/x'))`)
  for (const [name, got] of Object.entries(result.tries))
    assert.match(got, /^(EROFS|EBUSY|EACCES|EPERM|ETXTBSY)$/, `${name}: ${got}`)
  assert.equal(Object.keys(result.tries).length, 10)
})

test('a konnector that looks for other runs finds no folder, no token, no socket of theirs', async () => {
  let tellUp: () => void = () => {}
  const up = new Promise<void>(resolve => {
    tellUp = resolve
  })
  const controller = new AbortController()
  const victim = jail.run(`console.log('up'); setInterval(() => {}, 1000)`, {
    env: { COZY_CREDENTIALS: SECRET },
    files: { 'private.txt': SECRET },
    signal: controller.signal,
    onLine: () => tellUp(),
  })
  await up
  const result = await jail.run(`
    attempt('folder', () => fs.readdirSync(${JSON.stringify(jail.cacheDirectory)}).join())
    report('environments', fs.readdirSync('/proc').filter(p => /^\\d+$/.test(p)).map(p => { try { return fs.readFileSync('/proc/' + p + '/environ', 'utf8') } catch (e) { return e.code } }).join(';').includes(${JSON.stringify(SECRET)}))
    report('sockets', fs.readdirSync('/run/konnector').join())
    report('unix', fs.readFileSync('/proc/net/unix', 'utf8').trim().split('\\n').length <= 1 + 8)
    report('mounts', fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(${JSON.stringify(SECRET)}))`)
  controller.abort()
  assert.equal((await victim).cause, 'cancelled')
  assert.deepEqual(result.tries, {
    folder: 'ENOENT',
    environments: 'false',
    sockets: 'bridge.cjs,egress.sock',
    unix: 'true',
    mounts: 'false',
  })
})

test('a konnector that searches its environment, arguments and open files for secrets of the server finds none', async () => {
  process.env.KONNECTORY_TEST_SECRET = SECRET
  try {
    const result = await jail.run(`
      const look = text => text.includes(${JSON.stringify(SECRET)}.split('').join(''))
      report('environment', look(JSON.stringify(process.env)))
      const pids = fs.readdirSync('/proc').filter(p => /^\\d+$/.test(p))
      const read = (p, name) => { try { return fs.readFileSync('/proc/' + p + '/' + name, 'utf8') } catch (e) { return '' } }
      report('all environments', pids.some(p => look(read(p, 'environ'))))
      report('arguments', pids.map(p => read(p, 'cmdline')).join(' ').includes(${JSON.stringify(host.slice(0, 8))}))
      report('files', fs.readdirSync('/proc/self/fd').map(f => { try { return fs.readlinkSync('/proc/self/fd/' + f) } catch { return '' } }).filter(l => l.startsWith('/') && !/^.(proc|dev)/.test(l)).join())
      report('descriptors', [3, 4, 5].map(fd => { try { return fs.readlinkSync('/proc/self/fd/' + fd).replace(/\\d+/g, 'n') } catch (e) { return e.code } }).filter(l => l.startsWith('socket')).join())`)
    assert.deepEqual(result.tries, {
      environment: 'false',
      'all environments': 'false',
      arguments: 'false',
      files: '',
      descriptors: '',
    })
  } finally {
    delete process.env.KONNECTORY_TEST_SECRET
  }
})

test("a konnector that connects to unix sockets of the host, the database's among them, finds none", async () => {
  let connections = 0
  const paths = [join(host, '.s.PGSQL.5432'), '\0kr-abstract-socket']
  const servers = await Promise.all(
    paths.map(async path => {
      const server = createServer(socket => {
        connections++
        socket.destroy()
      })
      await new Promise<void>(listening => server.listen(path, () => listening()))
      return server
    }),
  )
  chmodSync(paths[0]!, 0o777)
  const result = await jail.run(`(async () => {
    const to = path => new Promise((resolve, reject) => net.connect({ path }).on('connect', () => resolve('connected')).on('error', reject))
    await attemptAsync('database', () => to(${JSON.stringify(paths[0])}))
    await attemptAsync('abstract', () => to('\\0kr-abstract-socket'))
    for (const path of ['/run/docker.sock', '/var/run/docker.sock', '/run/dbus/system_bus_socket', '/run/systemd/private']) await attemptAsync(path, () => to(path))
  })()`)
  for (const server of servers) server.close()
  for (const [name, got] of Object.entries(result.tries)) assert.match(got, /^(ENOENT|ECONNREFUSED)$/, name)
  assert.equal(Object.keys(result.tries).length, 6)
  assert.equal(connections, 0)
})

test('a konnector that opens devices finds two, and cannot make any', async () => {
  const result = await jail.run(`
    report('devices', fs.readdirSync('/dev').sort().join())
    for (const d of ['/dev/mem', '/dev/kmsg', '/dev/tty', '/dev/shm', '/dev/fuse', '/dev/kvm', '/dev/net/tun', '/dev/sda', '/dev/vda']) attempt(d, () => fs.openSync(d, 'r'))
    attempt('write', () => fs.writeFileSync('/dev/x', ''))
    attempt('urandom', () => fs.writeFileSync('/dev/urandom', 'x') ?? 'nothing')`)
  const { devices, write, urandom, ...rest } = result.tries
  assert.equal(devices, 'null,urandom')
  assert.equal(write, 'EROFS')
  // Stirring the pool is harmless, and everybody's right; either answer will do.
  assert.ok(urandom)
  assert.deepEqual([...new Set(Object.values(rest))], ['ENOENT'])
})

test('a konnector that writes to the settings of the kernel cannot', async () => {
  const result = await jail.run(`
    for (const file of ['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/sys/vm/overcommit_memory', '/proc/sys/kernel/hostname', '/proc/sys/user/max_user_namespaces', '/proc/sys/net/ipv4/ip_forward', '/proc/self/uid_map', '/proc/self/setgroups', '/proc/kcore', '/proc/kallsyms']) attempt(file, () => fs.writeFileSync(file, '0'))
    attempt('spared when memory is short', () => fs.writeFileSync('/proc/self/oom_score_adj', '-1000'))
    attempt('cgroups', () => fs.readdirSync('/sys/fs/cgroup'))`)
  for (const [name, got] of Object.entries(result.tries))
    assert.match(got, /^(EROFS|EACCES|EPERM|ENOENT|EIO)$/, `${name}: ${got}`)
  assert.equal(Object.keys(result.tries).length, 12)
})

test('a konnector that makes a set-uid program stays nobody', async () => {
  const result = await jail.run(`
    fs.copyFileSync('/usr/bin/prlimit', '/tmp/prlimit'); fs.chmodSync('/tmp/prlimit', 0o6755)
    const mount = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\\n').find(l => l.split(' ')[4] === '/tmp')
    report('nosuid', /nosuid/.test(mount))
    const child = cp.spawnSync('/tmp/prlimit', ['--nproc=100', '/usr/bin/node', '-p', '[process.getuid(), process.geteuid(), /NoNewPrivs:\\\\s*1/.test(require("fs").readFileSync("/proc/self/status", "utf8"))].join()'], { env: {}, encoding: 'utf8' })
    report('uid', child.stdout.trim() || child.stderr)`)
  assert.deepEqual(result.tries, { nosuid: 'true', uid: '65534,65534,true' })
})

test('a konnector that poisons the compile cache of its bundle cannot: it is only read', async () => {
  const dir = mkdtempSync(join(host, 'cached-'))
  const source = `
    const fs = require('fs')
    const dir = process.env.NODE_COMPILE_CACHE
    console.log(dir ?? 'no cache')
    if (dir) { try { fs.writeFileSync(dir + '/x', '') ; console.log('written') } catch (e) { console.log(e.code) } }`
  writeFileSync(join(dir, 'index.js'), source)
  const run = async () => {
    const said: string[] = []
    await jail.runner.run({
      dir,
      env: {},
      domains: [],
      cacheKey: 'poisoned@1',
      onLine: ({ text }) => void said.push(text),
    })
    return said
  }
  assert.deepEqual(await run(), ['no cache'])
  await jail.runner.prepare({ dir, cacheKey: 'poisoned@1' })
  assert.deepEqual(await run(), ['/run/cache', 'EROFS'])
  const folders = readdirSync(join(jail.cacheDirectory, 'compile'))
  assert.equal(folders.length, 1)
  assert.ok(
    readdirSync(join(jail.cacheDirectory, 'compile', folders[0]!)).some(name => name.startsWith('v26')),
    'Node has filled it',
  )
})

test('after all of it, no folder of a run is left', () => {
  const [own, ...others] = readdirSync(join(jail.cacheDirectory, 'runs'))
  assert.deepEqual(others, [])
  assert.deepEqual(readdirSync(join(jail.cacheDirectory, 'runs', own!)), [])
  assert.ok(existsSync(secretFile))
})
