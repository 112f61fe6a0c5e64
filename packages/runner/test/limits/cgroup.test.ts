import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openCgroups } from '../../src/limits/cgroup.ts'
import { marker, processesWith } from '../help/host.ts'
import { openJail } from '../help/jail.ts'

test('takes a delegated folder over as the kernel wants it, and writes the limits of a run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kr-cgroup-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  for (const path of [folder, join(folder, 'konnectory-jobs')]) {
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'cgroup.controllers'), 'cpuset cpu io memory pids\n')
  }
  writeFileSync(join(folder, 'cgroup.procs'), '12\n')
  const tree = openCgroups(folder)!
  const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8')
  assert.deepEqual([...tree.controllers], ['memory', 'pids', 'cpu'])
  assert.equal(read('konnectory-server', 'cgroup.procs'), '12', 'the server itself moves to a leaf')
  assert.equal(read('cgroup.subtree_control'), '+memory +pids +cpu')
  assert.equal(read('konnectory-jobs', 'cgroup.subtree_control'), '+memory +pids +cpu')

  const group = tree.create('run1', { memoryMb: 256, pids: 64 })
  const wrote = ['memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max'].map(file =>
    read('konnectory-jobs', 'run1', file),
  )
  assert.deepEqual(wrote, [String(256 * 2 ** 20), '0', '1', '64'])
  writeFileSync(join(group.path, 'memory.events'), 'low 0\noom 1\noom_kill 3\n')
  writeFileSync(join(group.path, 'memory.peak'), '1048576\n')
  writeFileSync(join(group.path, 'cpu.stat'), 'usage_usec 1500000\nuser_usec 1\n')
  assert.equal(group.isOutOfMemory, true)
  assert.deepEqual(group.usage(), { peakBytes: 1048576, cpuMs: 1500 })
  group.kill()
  assert.equal(read('konnectory-jobs', 'run1', 'cgroup.kill'), '1')
})

/** Where this machine keeps cgroup v2, and whether we may make groups there. */
function realFolder(): string | undefined {
  const mount = / \/ (\S+) [^\n]* - cgroup2 /.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1]
  if (!mount || process.getuid?.() !== 0) return undefined
  const folder = join(mount, `konnectory-test-${process.pid}`)
  try {
    mkdirSync(folder)
  } catch (error) {
    if (error instanceof Error && /EROFS|EACCES|EPERM/.test(error.message)) return undefined
    throw error
  }
  after(() => {
    for (const path of ['konnectory-jobs', 'konnectory-server', '.']) {
      if (existsSync(join(folder, path))) rmdirSync(join(folder, path))
    }
  })
  return folder
}

test('a real group: the run is in it, all of it is killed, nothing is left', async t => {
  const folder = realFolder()
  if (!folder) return t.skip('cgroup v2 is not mounted, or this user may make no groups')
  const jail = openJail('bubblewrap', { cgroup: folder })
  const name = marker()
  const controllers = readFileSync(join(folder, 'cgroup.controllers'), 'utf8')
  const result = await jail.run(
    `for (let i = 0; i < 3; i++) cp.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', '${name}'], { detached: true, stdio: 'ignore' }).unref()
    report('user', process.getuid()); for (const until = Date.now() + 200; Date.now() < until;); setInterval(() => {}, 1000)`,
    { limits: { seconds: 2 } },
  )
  assert.equal(result.tries.user, '65534')
  assert.deepEqual([result.end, result.cause], ['timeout', 'time'])
  assert.deepEqual(processesWith(name), [])
  assert.ok(result.cpuMs >= 200, `${result.cpuMs} ms of the group's own account`)
  const bomb = await jail.run(`const all = []; for (;;) all.push(Buffer.alloc(16e6, 1))`, {
    limits: { memoryMb: 256, seconds: 30 },
  })
  assert.ok(bomb.cause === 'memory' || bomb.code === 1, `${bomb.end} ${bomb.cause}`)
  t.diagnostic(`controllers here: ${controllers.trim()}`)
})
