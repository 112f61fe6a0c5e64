import { rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { Driver } from './drivers/driver.ts'
import { checkEnvironment } from './environment.ts'
import { RunnerError } from './errors.ts'
import type { Resolve } from './gate/dial.ts'
import { openGate } from './gate/gate.ts'
import { createJudge, type GatePolicy } from './gate/policy.ts'
import { refusalLine } from './gate/refusals.ts'
import type { CompileCache } from './jail/compile-cache.ts'
import type { JailRoot } from './jail/root.ts'
import { give, identity, type JailUser } from './jail/user.ts'
import type { CgroupTree } from './limits/cgroup.ts'
import { fillLimits } from './limits/check.ts'
import { filesInTmp, usageOf } from './limits/usage.ts'
import { Output } from './output/output.ts'
import { type JailedEnd, startJailed } from './process/jailed.ts'
import { makeRunFolder } from './runs-folder.ts'
import type { OutputLine, RunCause, RunEnd, RunLimits, RunnerLog, RunRequest, RunResult } from './types.ts'
import { checkEntry, prepareWorkDir } from './work-dir.ts'

/** What all runs of a runner share. */
export interface RunGround {
  driver: Driver
  root: JailRoot
  user: JailUser
  cgroups: CgroupTree | undefined
  /** Of this process; each run has a folder in it. */
  runsFolder: string
  compileCache: CompileCache
  log: RunnerLog
  resolve: Resolve | undefined
}

export interface RunExtras {
  /** Where the compile cache is written, by the one run that makes it. */
  writableCache?: string
  /** No way out at all. */
  isOffline?: boolean
}

const SAMPLE_MS = 250

/** One konnector process from nothing to nothing. */
export async function run(ground: RunGround, request: RunRequest, extras: RunExtras = {}): Promise<RunResult> {
  const { driver, root, user, log } = ground
  const limits = fillLimits(request.limits)
  const entry = checkEntry(request.entry ?? '.')
  checkEnvironment(request.env)
  const { domains, stack, pinnedHosts } = request
  const policy = { domains, ...(stack && { stack }), ...(pinnedHosts && { pinnedHosts }) }
  checkPolicy(policy)
  await using cleanup = new AsyncDisposableStack()

  const runFolder = makeRunFolder(ground.runsFolder, user)
  cleanup.defer(() => rmSync(runFolder, { recursive: true, force: true }))
  const dir = prepareWorkDir(request.dir, entry, runFolder, user)
  const firstErrors: string[] = []
  const onLine = (line: OutputLine) => {
    if (line.stream === 'stderr' && firstErrors.length < 3) firstErrors.push(line.text)
    request.onLine?.(line)
  }

  const socket = join(runFolder, 's')
  const gate = extras.isOffline
    ? undefined
    : cleanup.use(
        await openGate({
          socketPath: socket,
          policy,
          ...(request.gateLimits && { limits: request.gateLimits }),
          ...(ground.resolve && { resolve: ground.resolve }),
          onRefusal: refusal => onLine({ stream: 'runner', text: refusalLine(refusal) }),
          onError: error => log.error('the gate of a run has failed on a connection', { error }),
        }),
      )
  if (gate) {
    await chmod(socket, 0o600)
    give(socket, user)
  }
  const group = ground.cgroups?.create(runFolder.slice(runFolder.lastIndexOf('/') + 1), limits)
  if (group) cleanup.defer(() => group.remove())

  let cause: RunCause | undefined
  const output = new Output({ limits, onLine, onFlood: () => stop('output') })
  const readyCache = request.cacheKey === undefined ? undefined : ground.compileCache.find(request.cacheKey)
  const cache = extras.writableCache
    ? { path: extras.writableCache, writable: true }
    : readyCache && { path: readyCache, writable: false }
  const command = driver.command({
    root,
    user,
    dir,
    entry,
    limits,
    hasMemoryGroup: ground.cgroups?.controllers.has('memory') ?? false,
    env: request.env,
    ...(gate && { gate: { socket, ...(stack && { stack }) } }),
    ...(cache && { cache }),
  })

  const started = performance.now()
  const jailed = await startJailed({
    command,
    identity: identity(user),
    group,
    input: request.input,
    onStdout: chunk => output.stdout(chunk),
    onStderr: chunk => output.stderr(chunk),
  })
  function stop(why: RunCause): void {
    cause ??= why
    jailed.kill()
  }

  const cancel = () => stop('cancelled')
  request.signal?.addEventListener('abort', cancel, { once: true })
  if (request.signal?.aborted) cancel()
  const clock = setTimeout(() => stop('time'), limits.seconds * 1000)
  const watch = watchUsage(
    jailed.pid,
    limits,
    why => stop(why),
    error => log.error('a run cannot be watched', { error }),
  )
  let end: JailedEnd
  try {
    end = await jailed.ended
  } finally {
    clearTimeout(clock)
    watch.stop()
    request.signal?.removeEventListener('abort', cancel)
  }
  const durationMs = performance.now() - started
  output.end()
  const isSetupFailure =
    !end.wasSetUp || (end.code !== null && driver.setupCodes.includes(end.code) && output.lines === 0)
  if (isSetupFailure && cause === undefined) {
    const said = firstErrors.join(' ') || 'nothing'
    throw new RunnerError(
      'setup',
      `The sandbox could not be set up: ${driver.name} ended with ${end.code ?? end.signal} and said ${said}.`,
    )
  }

  const { code, signal } = readExit(end)
  cause ??= group?.isOutOfMemory ? 'memory' : causeOf(signal, output.sawOutOfMemory)
  const usage = group?.usage()
  const sentence = cause && sentenceFor(cause, limits, signal)
  if (sentence) onLine({ stream: 'runner', text: sentence })
  return {
    end: endFor(cause),
    ...(cause && { cause }),
    ...(sentence && { sentence }),
    code,
    signal,
    peakMb: Math.ceil((usage?.peakBytes || watch.peakBytes) / 2 ** 20),
    cpuMs: Math.round(Math.max(usage?.cpuMs ?? 0, watch.cpuMs)),
    durationMs,
    refused: gate?.refused() ?? [],
    traffic: gate?.traffic() ?? { connections: 0, bytesUp: 0, bytesDown: 0 },
    lines: output.lines,
    dropped: output.dropped,
  }
}

/** @throws RunnerError `option` for a domain or pinned host that is none */
function checkPolicy(policy: GatePolicy): void {
  try {
    createJudge(policy)
  } catch (error) {
    if (error instanceof TypeError) throw new RunnerError('option', error.message, error)
    throw error
  }
}

/** Four times a second: what no limit of the kernel bounds without a cgroup, and how much there was. */
function watchUsage(pid: number, limits: RunLimits, exceed: (why: RunCause) => void, fail: (error: unknown) => void) {
  const seen = { peakBytes: 0, cpuMs: 0, stop: () => clearInterval(timer) }
  let isBusy = false
  const sample = async () => {
    if (isBusy) return
    isBusy = true
    try {
      const usage = usageOf(pid)
      seen.peakBytes = Math.max(seen.peakBytes, usage.residentBytes)
      seen.cpuMs = Math.max(seen.cpuMs, usage.cpuMs)
      if (usage.ownBytes > limits.memoryMb * 2 ** 20) exceed('memory')
      else if (usage.leaf !== undefined && (await filesInTmp(usage.leaf, limits.tmpMb * 2 ** 20)) > limits.tmpFiles)
        exceed('disk')
    } catch (error) {
      clearInterval(timer)
      fail(error)
    } finally {
      isBusy = false
    }
  }
  const timer = setInterval(sample, SAMPLE_MS)
  return seen
}

/** Both bubblewrap and prlimit's shells say 128 + n for a signal. */
function readExit({ code, signal }: JailedEnd): { code: number | null; signal: NodeJS.Signals | null } {
  if (signal || code === null || code <= 128) return { code, signal }
  const name = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0]
  return name === undefined ? { code, signal } : { code: null, signal: name as NodeJS.Signals }
}

function causeOf(signal: NodeJS.Signals | null, sawOutOfMemory: boolean): RunCause | undefined {
  switch (signal) {
    case null:
      return undefined
    case 'SIGXCPU':
      return 'cpu'
    case 'SIGXFSZ':
      return 'disk'
    case 'SIGSYS':
      return 'syscall'
    case 'SIGTRAP':
    case 'SIGABRT':
      // V8 traps when it cannot reserve memory, and aborts when the heap is full.
      return sawOutOfMemory || signal === 'SIGTRAP' ? 'memory' : 'signal'
    default:
      return 'signal'
  }
}

function endFor(cause: RunCause | undefined): RunEnd {
  switch (cause) {
    case undefined:
      return 'exit'
    case 'time':
      return 'timeout'
    case 'memory':
    case 'cpu':
    case 'disk':
    case 'output':
      return 'limit'
    case 'syscall':
    case 'cancelled':
    case 'signal':
      return 'killed'
  }
}

function sentenceFor(cause: RunCause, limits: RunLimits, signal: NodeJS.Signals | null): string {
  switch (cause) {
    case 'time':
      return `The run was ended after ${limits.seconds} s.`
    case 'memory':
      return `The run was ended: it may use ${limits.memoryMb} MB of memory.`
    case 'cpu':
      return `The run was ended: it may use ${limits.cpuSeconds} s of processor time.`
    case 'disk':
      return `The run was ended: it may write files of ${limits.fileMb} MB, ${limits.tmpFiles} in all.`
    case 'output':
      return `The run was ended: it may print ${limits.outputMb} MB.`
    case 'syscall':
      return 'The run was ended: it made a system call that no konnector has a reason for.'
    case 'cancelled':
      return 'The run was cancelled.'
    case 'signal':
      return `The run ended by ${signal}.`
  }
}
