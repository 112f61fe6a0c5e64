import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { JailCommand } from '../drivers/driver.ts'
import { hasCode, RunnerError } from '../errors.ts'
import type { Cgroup } from '../limits/cgroup.ts'
import { startOf } from '../limits/usage.ts'

export interface JailedOptions {
  command: JailCommand
  identity: { uid?: number; gid?: number }
  group: Cgroup | undefined
  input: string | undefined
  onStdout(chunk: Buffer): void
  onStderr(chunk: Buffer): void
}

export interface JailedEnd {
  code: number | null
  signal: NodeJS.Signals | null
  /** Whether the konnector was ever started, where the driver can tell. */
  wasSetUp: boolean
}

/** A tree of processes, from its first to the end of its last. */
export interface Jailed {
  readonly pid: number
  /** SIGKILL to all of it. */
  kill(): void
  /** When nothing of it is left and all it has said is read. */
  readonly ended: Promise<JailedEnd>
}

/** The end of a tree takes milliseconds; a kernel that needs this long is stuck. */
const GONE_MS = 5000
/** Where a survivor may hold our pipes (driver `none`), output is not waited for longer. */
const DRAIN_MS = 1000

/** Starts a jail from the main thread: `--die-with-parent` follows the thread that forked (sandbox.md, traps 6). */
export async function startJailed(options: JailedOptions): Promise<Jailed> {
  const { command, identity, group, input, onStdout, onStderr } = options
  const extra = command.inputs.length + (command.hasStatus ? 1 : 0)
  const { program, args, asUser } = enterGroup(command, identity, group)
  const child = spawn(program, args, {
    ...asUser,
    cwd: command.cwd,
    env: command.env,
    detached: true,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...Array<'pipe'>(extra).fill('pipe')],
  })
  if (child.pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error]
    throw new RunnerError('setup', `${program} could not be started: ${error.message}`, error)
  }
  for (const [index, bytes] of command.inputs.entries()) feed(child.stdio[3 + index] as Writable, bytes)
  if (input !== undefined) feed(child.stdin!, Buffer.from(input))
  child.stdout!.on('data', onStdout)
  child.stderr!.on('data', onStderr)
  const status = command.hasStatus ? readStatus(child.stdio[3 + command.inputs.length] as Readable) : undefined

  let isKilled = false
  const kill = () => {
    isKilled = true
    if (group) group.kill()
    // The jail's first process takes all others along, and the one outside reaps it: nothing is left when that one ends.
    else if (status?.first && isSame(status.first)) signal(status.first.pid)
    else killGroup(child)
  }
  return { pid: child.pid, kill, ended: end() }

  async function end(): Promise<JailedEnd> {
    const drained = Promise.all([ended(child.stdout!), ended(child.stderr!)])
    const [code, name] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    // A daemon may still be there, with the jail's first process waiting for it.
    killGroup(child)
    if (status?.first && isSame(status.first)) signal(status.first.pid)
    if (status?.first) await untilGone(status.first)
    await Promise.race([drained, wait(DRAIN_MS, undefined, { ref: false })])
    for (const stream of child.stdio) stream?.destroy()
    return { code, signal: name, wasSetUp: status === undefined || isKilled || status.hasExited }
  }
}

/** A process is moved into its group by a shell that then becomes it: Node cannot fork into a group. */
function enterGroup({ command, args }: JailCommand, identity: JailedOptions['identity'], group: Cgroup | undefined) {
  if (!group) return { program: command, args, asUser: identity }
  // Only the group's owner may put a process into it; whoever starts it as somebody else does so before the change.
  const { uid, gid } = identity
  const become = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--']
  const script = `echo 0 > "$0/cgroup.procs" && exec "$@"`
  return { program: '/bin/sh', args: ['-c', script, group.path, ...become, command, ...args], asUser: {} }
}

function feed(stream: Writable, bytes: Uint8Array): void {
  // EPIPE: it ended before it had read all, which its end explains.
  stream.on('error', () => {})
  stream.end(bytes)
}

function ended(stream: Readable): Promise<void> {
  return new Promise(resolve => {
    stream.once('close', resolve)
    stream.on('error', () => resolve())
  })
}

interface FirstProcess {
  pid: number
  start: string | undefined
}

/** Bubblewrap's status: the pid of the jail's first process, and the exit code once the konnector has been started and ended. */
function readStatus(stream: Readable): { first?: FirstProcess; hasExited: boolean } {
  const status: { first?: FirstProcess; hasExited: boolean } = { hasExited: false }
  let text = ''
  stream.setEncoding('utf8')
  stream.on('error', () => {})
  stream.on('data', (chunk: string) => {
    text += chunk
    const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1]
    if (pid && !status.first) status.first = { pid: Number(pid), start: startOf(Number(pid)) }
    if (/"exit-code"/.test(text)) status.hasExited = true
  })
  return status
}

/** Not another process that has got its pid since. */
function isSame({ pid, start }: FirstProcess): boolean {
  return start !== undefined && startOf(pid) === start
}

async function untilGone(first: FirstProcess): Promise<void> {
  for (const until = performance.now() + GONE_MS; isSame(first); await wait(2)) {
    if (performance.now() > until) {
      throw new RunnerError(
        'setup',
        `Processes of a run are still there ${GONE_MS / 1000} s after SIGKILL (pid ${first.pid}).`,
      )
    }
  }
}

function killGroup(child: ChildProcess): void {
  signal(-child.pid!)
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
