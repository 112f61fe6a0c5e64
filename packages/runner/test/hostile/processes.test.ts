/** Konnectors that multiply, hide, outlive their run, or go after other processes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createRunner } from '../../src/index.ts'
import { marker, processesWith } from '../help/host.ts'
import { openJail } from '../help/jail.ts'

const jail = openJail()

/** A child in a session of its own whose child is in yet another, both deaf to signals, with a text to be found by. */
const daemon = (name: string) => `
  const deaf = "for (const s of ['SIGTERM','SIGHUP','SIGINT','SIGQUIT','SIGUSR2']) process.on(s, () => {});setInterval(() => {}, 1e6);"
  const grandchild = "require('node:child_process').spawn(process.execPath, ['-e', " + JSON.stringify(deaf) + ", '${name}'], { detached: true, stdio: 'inherit' }).unref();"
  const daemon = cp.spawn(process.execPath, ['-e', grandchild + deaf, '${name}'], { detached: true, stdio: 'inherit' })
  daemon.unref()
`

test('a konnector that leaves daemons behind: nothing is left when the run has ended', async () => {
  const name = marker()
  const result = await jail.run(
    `${daemon(name)} setTimeout(() => { report('seen', fs.readdirSync('/proc').filter(p => /^\\d+$/.test(p)).length); process.exit() }, 600)`,
  )
  assert.ok(Number(result.tries.seen) >= 4, `they were there: ${result.tries.seen}`)
  assert.equal(result.end, 'exit')
  assert.deepEqual(processesWith(name), [])
})

test('a konnector whose daemons hold its output open does not hold up the end of the run', async () => {
  const result = await jail.run(`${daemon(marker())} setTimeout(() => process.exit(), 300)`)
  assert.equal(result.end, 'exit')
  assert.ok(result.durationMs < 5000, `${result.durationMs} ms`)
})

test('a konnector that outlives its time with daemons and deaf ears: all of it ends at the limit', async () => {
  const name = marker()
  const result = await jail.run(
    `${daemon(name)} for (const s of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGXCPU']) process.on(s, () => {}); setInterval(() => {}, 1000)`,
    { limits: { seconds: 2 } },
  )
  assert.deepEqual([result.end, result.cause], ['timeout', 'time'])
  assert.ok(result.durationMs < 2000 + 5000, `${result.durationMs} ms`)
  assert.deepEqual(processesWith(name), [])
})

test('a konnector that stops itself still ends at the limit', async () => {
  const name = marker()
  const result = await jail.run(`process.title = '${name}'; process.kill(process.pid, 'SIGSTOP')`, {
    limits: { seconds: 1 },
  })
  assert.equal(result.end, 'timeout')
  assert.deepEqual(processesWith(name), [])
})

test('a fork bomb gets to its limit and ends with its time; another run beside it works', async () => {
  const name = marker()
  const bomb = jail.run(
    `
    let refused = 0
    for (let i = 0; i < 200; i++) { const c = cp.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', '${name}'], { stdio: 'ignore' }); c.on('error', e => { if (refused++ === 0) report('refused', e.code) }) }
    setInterval(() => {}, 1000)`,
    { limits: { seconds: 4, pids: 64 } },
  )
  await wait(1500)
  assert.ok(processesWith(name).length <= 64, `${processesWith(name).length} processes`)
  const beside = await jail.run(
    `attempt('child', () => cp.execFileSync(process.execPath, ['-p', '1']).toString().trim())`,
  )
  assert.equal(beside.tries.child, 'worked: 1')
  const result = await bomb
  assert.equal(result.tries.refused, 'EAGAIN')
  assert.notEqual(result.end, 'exit')
  assert.deepEqual(processesWith(name), [])
})

test('a konnector that counts and signals processes finds its own only', async () => {
  const result = await jail.run(`
    report('seen', fs.readdirSync('/proc').filter(p => /^\\d+$/.test(p)).join())
    for (const pid of [${process.pid}, ${process.ppid}, -${process.pid}, 9999]) attempt(pid, () => process.kill(pid, 'SIGKILL'))
    report('parent', process.ppid)`)
  const { seen, parent, ...signals } = result.tries
  assert.equal(seen, '1,2')
  assert.equal(parent, '1')
  assert.deepEqual([...new Set(Object.values(signals))], ['ESRCH'])
})

test('a konnector that kills everything it can ends itself, and no other run', async () => {
  let tellUp: () => void = () => {}
  const up = new Promise<void>(resolve => {
    tellUp = resolve
  })
  const victim = jail.run(`console.log('up'); setTimeout(() => { console.log('done'); process.exit() }, 1500)`, {
    onLine: () => tellUp(),
  })
  await up
  const result = await jail.run(
    `for (const sig of ['SIGTERM', 'SIGHUP', 'SIGKILL']) for (const pid of [1, process.ppid, -1, 0]) { try { process.kill(pid, sig) } catch {} } setInterval(() => {}, 1000)`,
    { limits: { seconds: 3 } },
  )
  assert.notEqual(result.end, 'exit')
  const { said, code } = await victim
  assert.deepEqual([said, code], [['up', 'done'], 0])
})

test('a konnector that traces or reads the memory of its parent cannot', async () => {
  const result = await jail.run(`
    for (const file of ['/proc/1/mem', '/proc/1/environ', '/proc/1/root/etc/shadow', '/proc/1/cwd', '/proc/1/fd']) attempt(file, () => { const fd = fs.openSync(file, 'r+'); return fs.readSync(fd, Buffer.alloc(8), 0, 8, 0) })`)
  for (const [name, got] of Object.entries(result.tries))
    assert.match(got, /^(EACCES|EPERM|ENOENT|EISDIR|EIO|ELOOP|EROFS)$/, `${name}: ${got}`)
})

test('a konnector that raises its limits or its priority cannot', async () => {
  const result = await jail.run(`
    const os = require('node:os')
    try { os.setPriority(0, -20); report('priority', 'worked') } catch (e) { report('priority', e.info.code) }
    const limits = fs.readFileSync('/proc/self/limits', 'utf8')
    const hard = name => limits.split('\\n').find(l => l.startsWith(name)).slice(26).trim().split(/\\s+/)[1]
    report('files', hard('Max open files')); report('processes', hard('Max processes')); report('core', hard('Max core file size')); report('size', hard('Max file size')); report('locked', hard('Max locked memory'))
    const { stdout, stderr, status } = cp.spawnSync('/usr/bin/prlimit', ['--nproc=4096', '--nofile=4096', '/usr/bin/node', '-p', '1'], { env: {}, encoding: 'utf8' })
    report('raised', status === 0 ? 'worked' : 'refused')`)
  assert.deepEqual(result.tries, {
    priority: 'EACCES',
    files: '256',
    processes: '128',
    core: '0',
    size: String(64 * 2 ** 20),
    locked: '0',
    raised: 'refused',
  })
})

test('when the server is killed, its konnectors end with it', async () => {
  const name = marker()
  const folder = mkdtempSync(join(tmpdir(), 'kr-server-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  const konnector = join(folder, 'konnector')
  mkdirSync(konnector)
  writeFileSync(
    join(konnector, 'index.js'),
    `console.log('up'); require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', '${name}'], { detached: true, stdio: 'ignore' }); process.title = '${name}'; setInterval(() => {}, 1000)`,
  )
  const script = `
    import { createRunner } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))}
    const log = { info() {}, warn() {}, error() {} }
    const runner = createRunner({ cacheDirectory: ${JSON.stringify(join(folder, 'cache'))}, log })
    await runner.run({ dir: ${JSON.stringify(konnector)}, env: {}, domains: [], onLine: ({ text }) => console.log(text) })`
  const server = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await Promise.race([once(createInterface({ input: server.stdout }), 'line'), once(server, 'exit')])
  assert.equal(line, 'up')
  for (const until = Date.now() + 5000; processesWith(name).length < 2 && Date.now() < until; ) await wait(20)
  assert.ok(processesWith(name).length >= 2, 'they run')
  server.kill('SIGKILL')
  await once(server, 'exit')
  for (const until = Date.now() + 3000; processesWith(name).length > 0 && Date.now() < until; ) await wait(20)
  assert.deepEqual(processesWith(name), [])

  // The next server on the same folder removes what the killed one could not.
  const runs = join(folder, 'cache', 'runs')
  const before = readdirSync(runs)
  const next = createRunner({ cacheDirectory: join(folder, 'cache'), log: { info() {}, warn() {}, error() {} } })
  await next[Symbol.asyncDispose]()
  assert.equal(before.length, 1)
  assert.equal(readdirSync(runs).includes(before[0]!), false)
})
