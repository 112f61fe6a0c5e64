/**
 * The konnector of the self-test: tries what no konnector may, and prints what came of it, a line of JSON each:
 * {name, holds, detail}. What it needs to know of the host comes as JSON on stdin.
 */
'use strict'
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')

const { hostFile, hostPort, hostPid, syscalls, pids } = JSON.parse(fs.readFileSync(0, 'utf8'))
const BARE = { PATH: '/usr/bin' }

const say = (name, holds, detail) =>
  process.stdout.write(`${JSON.stringify({ name, holds, detail: String(detail) })}\n`)

/** Holds when the attempt throws; what it returns otherwise is the evidence. */
function mustFail(name, attempt) {
  try {
    say(name, false, `worked: ${attempt()}`)
  } catch (error) {
    say(name, true, error.code ?? error.message)
  }
}

/** Runs a script in a child without the bridge and with node:ffi, which a konnector can always do. */
function child(script) {
  return spawnSync(process.execPath, ['--no-warnings', '-e', script], { env: BARE, encoding: 'utf8', timeout: 10_000 })
}

mustFail('reads no file of the host', () => fs.readFileSync(hostFile, 'utf8').length)
mustFail('reads no passwords of the host', () => fs.readFileSync('/etc/shadow', 'utf8').length)
mustFail('cannot write to its work directory', () => fs.writeFileSync('/konnector/x', 'x'))
mustFail('cannot write to its root', () => fs.writeFileSync('/usr/x', 'x'))
mustFail('cannot write to /dev', () => fs.writeFileSync('/dev/x', 'x'))
mustFail('cannot signal the server', () => process.kill(hostPid, 0))
fs.writeFileSync('/tmp/x', 'x')
say('has a /tmp of its own', fs.readdirSync('/tmp').join() === 'x', fs.readdirSync('/tmp').join())
const seen = fs.readdirSync('/proc').filter(name => /^\d+$/.test(name))
say('sees no processes but its own', seen.length <= 3, `${seen.length} processes`)
say('is not root', process.getuid() !== 0, `uid ${process.getuid()}`)
const links = Object.keys(os.networkInterfaces()).filter(name => name !== 'lo')
say('has no network but loopback', links.length === 0, links.join() || 'lo')
const capabilities = /CapEff:\s*(\S+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]
say('has no capabilities', /^0+$/.test(capabilities), capabilities)
const secrets = Object.keys(process.env).filter(
  name => !/^(PATH|HOME|LANG|PWD|NODE_OPTIONS|KONNECTORY_GATE)$/.test(name),
)
say('gets no variables of the server', secrets.length === 0, secrets.join() || 'none')
const open = fs
  .readdirSync('/proc/self/fd')
  .map(Number)
  .filter(fd => {
    try {
      return fd > 2 && /^\/(?!dev|proc)/.test(fs.readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      // Closed since it was listed.
      return false
    }
  })
say('inherits no open files', open.length === 0, open.join() || 'none')

for (const [name, [number, wanted]] of Object.entries(syscalls)) {
  const { signal, status, stdout } = child(
    `const ffi=require('node:ffi');const {functions:f}=ffi.dlopen('libc.so.6',{` +
      `syscall:{arguments:['i64','i64','i64','i64','i64'],return:'i64'},__errno_location:{arguments:[],return:'pointer'}});` +
      `const r=f.syscall(${number}n,0n,0n,0n,0n);console.log(r===-1n?ffi.getInt32(f.__errno_location(),0):'worked')`,
  )
  const seen = signal ?? (stdout.trim() || `status ${status}`)
  say(`cannot call ${name}`, seen === wanted, seen === wanted ? seen : `${seen} instead of ${wanted}`)
}

{
  const { stdout } = child(
    `const net=require('node:net');let left=2;` +
      `for(const [host,port] of [['127.0.0.1',${hostPort}],['1.1.1.1',443]])net.connect({host,port,timeout:5000})` +
      `.on('connect',()=>{console.log('reached '+host);process.exit()}).on('error',e=>{console.log(e.code);--left||process.exit()})`,
  )
  const codes = stdout.trim().split('\n').sort()
  say('reaches nothing without the bridge', codes.join() === 'ECONNREFUSED,ENETUNREACH', codes.join())
}

const many = []
for (let at = 0; at < pids + 20; at++) {
  const { error } = spawnSync('/nonexistent')
  if (error?.code === 'EAGAIN') break
  const one = require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 9000)'], {
    env: BARE,
    stdio: 'ignore',
  })
  one.on('error', () => {})
  if (one.pid === undefined) break
  many.push(one)
}
say('cannot start processes without end', many.length < pids, `${many.length} children`)
for (const one of many) one.kill('SIGKILL')

const tries = [
  ['reaches no port of the host', '127.0.0.1', hostPort],
  ['reaches no metadata service', '169.254.169.254', 80],
  ['reaches no private address', '10.0.0.1', 80],
  ['reaches no address but through the gate', '1.1.1.1', 443],
]
let left = tries.length + 1
for (const [name, host, port] of tries) {
  const socket = net.connect({ host, port, timeout: 5000 })
  const end = (holds, detail) => {
    say(name, holds, detail)
    socket.destroy()
    if (--left === 0) process.exit(0)
  }
  socket.once('connect', () => end(false, 'connected'))
  socket.once('timeout', () => end(true, 'no answer'))
  socket.once('error', error => end(true, error.code))
}
require('node:dns').lookup('undeclared.example', (error, address) => {
  say('finds no undeclared names', Boolean(error), error?.code ?? address)
  if (--left === 0) process.exit(0)
})
