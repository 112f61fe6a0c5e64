/** Konnectors that call the kernel directly, as node:ffi in a child lets any script do. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openJail } from '../help/jail.ts'

const jail = openJail()
const EPERM = 'errno 1'
const ENOSYS = 'errno 38'
const EAFNOSUPPORT = 'errno 97'
const CLONE_NEWUSER = 0x10000000

/** Each a konnector of its own: system call, arguments, what must come of it. */
const calls: [what: string, name: string, args: (number | string)[], wanted: string][] = [
  ['traces its parent', 'ptrace', [16, 1], 'SIGSYS'],
  ['mounts a file system', 'mount', ['none', '/tmp', 'tmpfs', 0, 0], 'SIGSYS'],
  ['mounts cgroups to get out of its limits', 'mount', ['none', '/tmp', 'cgroup2', 0, 0], 'SIGSYS'],
  ['mounts by the newer calls', 'fsopen', ['proc', 0], 'SIGSYS'],
  ['unmounts what hides the host', 'umount2', ['/konnector', 2], 'SIGSYS'],
  ['changes its root', 'chroot', ['/tmp'], 'SIGSYS'],
  ['pivots its root', 'pivot_root', ['/tmp', '/tmp'], 'SIGSYS'],
  ['makes a user namespace', 'unshare', [CLONE_NEWUSER], EPERM],
  ['clones into a user namespace', 'clone', [CLONE_NEWUSER | 17, 0, 0, 0, 0], EPERM],
  ['clones with flags out of sight', 'clone3', [0, 0], ENOSYS],
  ['joins a namespace', 'setns', [0, 0], 'SIGSYS'],
  ['sets up io_uring', 'io_uring_setup', [8, 0], ENOSYS],
  ['loads a BPF program', 'bpf', [5, 0, 0], 'SIGSYS'],
  ['reads the keyring', 'keyctl', [0, -3, 0], 'SIGSYS'],
  ['adds a key', 'add_key', ['user', 'x', 'y', 1, -3], 'SIGSYS'],
  ['loads a kernel', 'kexec_load', [0, 0, 0, 0], 'SIGSYS'],
  ['loads a module', 'init_module', [0, 0, ''], 'SIGSYS'],
  ['reboots', 'reboot', [0xfee1dead, 672274793, 0x1234567], 'SIGSYS'],
  ['measures the machine', 'perf_event_open', [0, 0, -1, -1, 0], 'SIGSYS'],
  ['handles page faults', 'userfaultfd', [0], 'SIGSYS'],
  ['reads the memory of others', 'process_vm_readv', [1, 0, 0, 0, 0, 0], 'SIGSYS'],
  ['opens a file by its handle', 'open_by_handle_at', [3, 0, 0], 'SIGSYS'],
  ['takes files from other processes', 'pidfd_getfd', [0, 0, 0], 'SIGSYS'],
  ['sets the clock', 'clock_settime', [0, 0], 'SIGSYS'],
  ['reads the kernel log', 'syslog', [3, 0, 0], 'SIGSYS'],
  ['swaps', 'swapon', ['/tmp/x', 0], 'SIGSYS'],
  ['hides memory', 'memfd_secret', [0], 'SIGSYS'],
  ['makes memory no limit counts', 'memfd_create', ['x', 0], ENOSYS],
  ['shares memory by System V', 'shmget', [0, 4096, 0o1600], ENOSYS],
  ['sends messages by System V', 'msgget', [1, 0o1600], ENOSYS],
  ['uses semaphores of System V', 'semget', [1, 1, 0o1600], ENOSYS],
  ['opens a raw socket', 'socket', [2, 3, 1], EAFNOSUPPORT],
  ['opens a packet socket', 'socket', [17, 3, 768], EAFNOSUPPORT],
  ['opens a socket to the hypervisor', 'socket', [40, 1, 0], EAFNOSUPPORT],
  ['talks to the netfilter of the kernel', 'socket', [16, 3, 12], EAFNOSUPPORT],
  ['opens a socket of the kernel’s cryptography', 'socket', [38, 5, 0], EAFNOSUPPORT],
  ['becomes root', 'setuid', [0], EPERM],
  ['renames the machine', 'sethostname', ['x', 1], EPERM],
  ['makes a device', 'mknodat', [-100, '/tmp/mem', 0o20666, 257], EPERM],
  ['types into a terminal', 'ioctl', [0, 0x5412, 'x'], EPERM],
  ['installs a filter of its own', 'seccomp', [1, 0, 0], EPERM],
  ['gives a file capabilities', 'setxattr', ['/tmp', 'security.capability', 'x', 1, 0], EPERM],
]

for (const [what, name, args, wanted] of calls) {
  test(`a konnector that ${what}: ${name} is ${wanted}`, async () => {
    const { tries, end } = await jail.run(`report('call', raw(${JSON.stringify(name)}, ...${JSON.stringify(args)}))`)
    assert.equal(tries.call, wanted)
    assert.equal(end, 'exit', 'the child was ended, the konnector went on')
  })
}

test('a konnector that calls by the numbers of another ABI (x32) is ended', {
  skip: process.arch !== 'x64' && 'x32 exists on x64 only',
}, async () => {
  const { tries } = await jail.run(`numbers.x32 = 0x40000000 + 39; report('call', raw('x32'))`)
  assert.equal(tries.call, 'SIGSYS')
})

test('a konnector whose first process makes a forbidden call: the run says why it ended', async () => {
  const result = await jail.run(
    `process.execve(process.execPath, [process.execPath, '--no-warnings', '-e', native + 'call(numbers.ptrace, 16, 1)'.replace('numbers.ptrace', numbers.ptrace)], { PATH: '/usr/bin' })`,
  )
  assert.deepEqual([result.end, result.cause, result.signal], ['killed', 'syscall', 'SIGSYS'])
  assert.match(result.remarks.join('\n'), /system call that no konnector has a reason for/)
})

test('what Node itself needs still works: workers, wasm, children, crypto, watchers, compression', async () => {
  const { tries, code } = await jail.run(`
    const { Worker } = require('node:worker_threads')
    attempt('crypto', () => require('node:crypto').scryptSync('a', 'b', 8).length)
    attempt('zlib', () => require('node:zlib').gunzipSync(require('node:zlib').gzipSync('x')).toString())
    attempt('wasm', () => new WebAssembly.Memory({ initial: 1 }).buffer.byteLength)
    attempt('child', () => cp.execFileSync(process.execPath, ['-p', '1+1']).toString().trim())
    attempt('memory', () => process.memoryUsage().rss > 0)
    attempt('user', () => require('node:os').userInfo().username)
    attempt('file', () => { fs.writeFileSync('/tmp/a', 'b'); fs.renameSync('/tmp/a', '/tmp/c'); return fs.readFileSync('/tmp/c', 'utf8') })
    const w = fs.watch('/tmp', () => { report('watch', 'worked'); w.close() })
    fs.writeFileSync('/tmp/d', '')
    new Worker('require("node:worker_threads").parentPort.postMessage(1)', { eval: true }).on('message', m => report('worker', m)).on('error', e => report('worker', e))
  `)
  assert.deepEqual(tries, {
    crypto: 'worked: 8',
    zlib: 'worked: x',
    wasm: 'worked: 65536',
    child: 'worked: 2',
    memory: 'worked: true',
    user: 'worked: nobody',
    file: 'worked: b',
    watch: 'worked',
    worker: '1',
  })
  assert.equal(code, 0)
})
