import { spawn } from 'node:child_process'
import { UsageError } from '../terminal/output.ts'
import type { Mask } from './mask.ts'

export interface GitResult {
  code: number
  stdout: string
  stderr: string
}

export interface GitInput {
  /** For its standard input. */
  input?: string
  /** Added to the environment of this call. */
  env?: NodeJS.ProcessEnv
}

/** The git of this machine, in one folder. */
export interface Git {
  /** Whatever the exit code. */
  try(args: string[], options?: GitInput): Promise<GitResult>
  /**
   * @returns what it printed, without the last line end
   * @throws UsageError with `what` and what git said, credentials hidden, when it fails
   */
  read(what: string, args: string[], options?: GitInput): Promise<string>
}

/** Settings of the person or the machine that must not change what a deploy does. */
const SETTINGS = [
  // No hook of any kind: pre-push, reference-transaction…
  ['core.hooksPath', process.platform === 'win32' ? 'NUL' : '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.quotePath', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['i18n.commitEncoding', 'UTF-8'],
  ['i18n.logOutputEncoding', 'UTF-8'],
  ['log.showSignature', 'false'],
  ['push.followTags', 'false'],
  ['push.gpgSign', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['fetch.recurseSubmodules', 'false'],
]

/** Set when a hook runs us: they would point git at the index of whoever runs the hook. */
const INHERITED = [
  ...['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_PREFIX', 'GIT_OBJECT_DIRECTORY'],
  ...['GIT_ALTERNATE_OBJECT_DIRECTORIES', 'GIT_COMMON_DIR', 'GIT_NAMESPACE', 'GIT_QUARANTINE_PATH'],
]

/**
 * @param options.cwd folder of the konnector
 * @param options.interactive whether somebody is there to type a password
 * @param options.trace told each command, credentials hidden
 */
export function createGit(options: {
  cwd: string
  env: NodeJS.ProcessEnv
  interactive: boolean
  mask: Mask
  trace?: ((line: string) => void) | undefined
}): Git {
  const { cwd, interactive, mask, trace } = options
  const env: NodeJS.ProcessEnv = {
    ...options.env,
    LC_ALL: 'C',
    // `git status` would otherwise refresh the index.
    GIT_OPTIONAL_LOCKS: '0',
    ...(interactive ? {} : { GIT_TERMINAL_PROMPT: '0' }),
  }
  for (const name of INHERITED) delete env[name]
  const settings = SETTINGS.flatMap(([name, value]) => ['-c', `${name}=${value}`])

  async function attempt(args: string[], { input = '', env: more = {} }: GitInput = {}): Promise<GitResult> {
    trace?.(mask.hide(`git ${args.join(' ')}`))
    const result = await run([...settings, ...args], cwd, { ...env, ...more }, input)
    if (result.stderr.trim()) trace?.(mask.hide(result.stderr.trimEnd()))
    return result
  }
  return {
    try: attempt,
    async read(what, args, given) {
      const { code, stdout, stderr } = await attempt(args, given)
      if (code !== 0) throw new UsageError(`${what} ${gitSays(stderr, mask)}`)
      return stdout.replace(/\n$/, '')
    },
  }
}

/** What git printed, as the end of a message; its hints are for people who typed the command themselves. */
export function gitSays(output: string, mask: Mask): string {
  const lines = output.split('\n').filter(line => line.trim() !== '' && !line.startsWith('hint:'))
  return mask.hide(lines.length > 0 ? `git says:\n${lines.join('\n')}` : 'git did not say why.')
}

function run(args: string[], cwd: string, env: NodeJS.ProcessEnv, input: string): Promise<GitResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    const texts = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (part: string) => {
        texts[name] += part
      })
    }
    // A git that ends early does not read all of it; its exit code tells.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error)
    })
    child.on('error', (error: NodeJS.ErrnoException) => {
      const missing = 'git is not installed, or not in the PATH. deploy needs it: https://git-scm.com/downloads'
      reject(error.code === 'ENOENT' ? new UsageError(missing) : error)
    })
    child.on('close', (code, signal) => {
      if (signal) reject(new UsageError(`git was ended by ${signal}.`))
      else resolve({ code: code ?? 1, ...texts })
    })
    child.stdin.end(input)
  })
}
