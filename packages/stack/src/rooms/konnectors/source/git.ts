import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveHost } from '#rooms/registry'
import { SourceError } from './offer.ts'
import type { Source } from './parse.ts'

export type GitSource = Extract<Source, { kind: 'git' }>

export interface GitOptions {
  allowPrivate: boolean
  /** Milliseconds of all commands together; default 30 s (`protocol/konnectors-api.md` §3). */
  timeout?: number | undefined
}

const TIMEOUT_MS = 30_000
/** Of one file git writes, a pack above all: 512-byte blocks of the shell's `ulimit`. */
const LARGEST_FILE_BLOCKS = 256 * 1024
/** Of what a command prints, where it is not read as a stream. */
const MOST_PRINTED = 4 * 1024 * 1024
/** From here on git can be told which address a name has; before, names could be rebound between our check and its connection. */
const OLDEST = [2, 37]

/**
 * Settings under which a repository of somebody else can be fetched: nothing of this machine's configuration, no hook, no other
 * program, one protocol, no redirect. There is no checkout: no filter, attribute, submodule or link is ever acted on.
 */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.bigFileThreshold=1m',
  'credential.helper=',
  'fetch.recurseSubmodules=false',
  'fetch.unpackLimit=1',
  'gc.auto=0',
  'maintenance.auto=false',
  'http.followRedirects=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=15',
  'pack.threads=1',
  'protocol.version=2',
  'transfer.bundleURI=false',
]

/** A repository being read. Disposing ends what runs and removes its folder. */
export interface Git extends AsyncDisposable {
  /** What a command prints. @throws SourceError with `what` when it fails */
  print(what: string, args: string[]): Promise<string>
  /** A command whose output is read as it comes; `input` is written to it. */
  stream(args: string[], input?: string): { output: AsyncIterable<Buffer>; ended: Promise<void> }
}

/** An empty bare repository that may fetch from one source. */
export async function openGit(source: GitSource, signal: AbortSignal, options: GitOptions): Promise<Git> {
  const { pins, ssh } = await connectionOf(source, options)
  const folder = await mkdtemp(join(tmpdir(), 'konnectory-git-'))
  const stop = AbortSignal.any([signal, AbortSignal.timeout(options.timeout ?? TIMEOUT_MS)])
  const settings = [...SETTINGS, ...pins].flatMap(setting => ['-c', setting])
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: folder,
    LC_ALL: 'C',
    GIT_DIR: join(folder, 'repository'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ALLOW_PROTOCOL: source.transport,
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    ...(ssh && { GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'ssh' }),
  }
  const begin = (args: string[]) => start([...settings, ...args], { cwd: folder, env, stop })

  const git: Git = {
    async print(what, args) {
      const { output, ended } = begin(args).with(undefined)
      const parts: Buffer[] = []
      let size = 0
      try {
        for await (const part of output) {
          size += part.length
          if (size > MOST_PRINTED) throw new SourceError('refused', `${what}: the repository is too large`)
          parts.push(part)
        }
      } catch (error) {
        // That git was ended is because of this.
        await ended.catch(() => {})
        throw error
      }
      await ended.catch(error => {
        throw error instanceof SourceError ? new SourceError(error.kind, `${what}: ${error.message}`, error) : error
      })
      return Buffer.concat(parts).toString('utf8')
    },
    stream: (args, input) => begin(args).with(input),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }),
  }
  try {
    await assertVersion(git)
    await git.print('git did not start', ['init', '--quiet', '--bare', '--template=', join(folder, 'repository')])
    return git
  } catch (error) {
    await git[Symbol.asyncDispose]()
    throw error
  }
}

/** The address is chosen and checked here; git and ssh are told to use it, whatever the name says a moment later. */
async function connectionOf({ transport, host, port }: GitSource, { allowPrivate }: GitOptions) {
  if (transport === 'file') return { pins: [], ssh: undefined }
  const addresses = await resolveHost(host, { allowPrivate })
  const [address = ''] = addresses
  if (transport === 'ssh') {
    const options = [
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      `HostName=${address}`,
      `HostKeyAlias=${host.replace(/[[\]]/g, '')}`,
    ]
    const limits = ['ProxyCommand=none', 'PermitLocalCommand=no', 'ForwardAgent=no', 'ConnectTimeout=15']
    return { pins: [], ssh: `ssh -F /dev/null ${[...options, ...limits].map(option => `-o${option}`).join(' ')}` }
  }
  if (isIP(host.replace(/[[\]]/g, ''))) return { pins: [], ssh: undefined }
  const list = addresses.map(each => (isIP(each) === 6 ? `[${each}]` : each)).join(',')
  return { pins: [`http.curloptResolve=${host}:${port}:${list}`], ssh: undefined }
}

let known: Promise<string> | undefined

async function assertVersion(git: Git): Promise<void> {
  known ??= git.print('git is not installed on this server', ['version'])
  const text = await known.catch(error => {
    known = undefined
    throw error
  })
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? []
  const old = Number(major) < OLDEST[0]! || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]!)
  if (old) throw new SourceError('unreachable', `git ${OLDEST.join('.')} or newer is needed on this server`)
}

/** In a process group of its own, which ends with it, whatever it started. */
function start(args: string[], { cwd, env, stop }: { cwd: string; env: NodeJS.ProcessEnv; stop: AbortSignal }) {
  const limited = ['-c', `ulimit -f ${LARGEST_FILE_BLOCKS}; exec git "$@"`, 'git', ...args]
  const child = spawn('/bin/sh', limited, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  stop.addEventListener('abort', kill, { once: true })
  if (stop.aborted) kill()
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4096)
  })
  // A child that ends early does not read its input: its exit code tells.
  child.stdin.on('error', () => {})
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', cause => reject(new SourceError('unreachable', 'git cannot be started', cause)))
    child.once('close', (code, signal) => {
      stop.removeEventListener('abort', kill)
      kill()
      if (code === 0) resolve()
      else reject(new SourceError('unreachable', reasonOf(said, signal, stop)))
    })
  })
  // Told to whoever awaits it; until then it is no stray.
  ended.catch(() => {})
  const output: AsyncIterable<Buffer> = {
    async *[Symbol.asyncIterator]() {
      try {
        yield* child.stdout as AsyncIterable<Buffer>
      } finally {
        if (child.exitCode === null && !child.stdout.readableEnded) kill()
      }
    },
  }
  const ends = { output, ended }
  return {
    ...ends,
    with(input: string | undefined) {
      child.stdin.end(input)
      return ends
    },
  }
}

function reasonOf(said: string, signal: NodeJS.Signals | null, stop: AbortSignal): string {
  if (stop.aborted)
    return (stop.reason as Error)?.name === 'TimeoutError' ? 'git did not end in time' : 'it was given up'
  if (signal === 'SIGXFSZ' || /File too large/.test(said)) return 'the repository is too large'
  const lines = said.split('\n').map(line => line.trim())
  const telling =
    lines.find(line => /^(fatal|error|remote):/.test(line)) ?? lines.findLast(line => line !== '') ?? 'git failed'
  return telling.slice(0, 300)
}
