import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createClient, ROOT_DIR_ID, type StackClient } from '@konnectory/client'
import { createLocalStack, type StackEvent } from '@konnectory/standalone'

/** A line of the output protocol. */
export interface Line {
  type: string
  message: string
  label?: string
  stage?: string
  done?: number
  total?: number
  no_retry?: boolean
}

export interface Ended {
  code: number | null
  lines: Line[]
  /** stdout and stderr as they were. */
  output: string
  /** Message of the last `critical` line. */
  critical: string | undefined
}

export interface Running {
  ended: Promise<Ended>
  /** Resolves at the first line that fits, rejects when the process ends without one. */
  line(fits: (line: Line) => boolean): Promise<Line>
  kill(signal: NodeJS.Signals): void
}

export interface TestStack {
  client: StackClient
  events: StackEvent[]
  /** The environment a server gives a konnector of this stack (`protocol/konnector-runtime.md` section 5). */
  env: Record<string, string>
  root: string
  [Symbol.asyncDispose](): Promise<void>
}

export const ACCOUNT = 'acc001'

/** A real local stack over HTTP, in a folder of its own, with one account. */
export async function startStack(auth: Record<string, unknown>): Promise<TestStack> {
  const root = await mkdtemp(join(tmpdir(), 'konnectory-sdk-'))
  const events: StackEvent[] = []
  const stack = createLocalStack({
    root,
    account: { id: ACCOUNT, auth },
    slug: 'demo-energy',
    onEvent: event => void events.push(event),
  })
  const { url, token, close } = await stack.listen()
  return {
    client: createClient({ url, token }),
    events,
    root,
    env: {
      COZY_URL: `${url}/`,
      COZY_CREDENTIALS: token,
      COZY_FIELDS: JSON.stringify({ konnector: 'demo-energy', account: ACCOUNT, folder_to_save: ROOT_DIR_ID }),
      COZY_PARAMETERS: 'null',
      COZY_PAYLOAD: '',
      COZY_LANGUAGE: 'node',
      COZY_LOCALE: 'fr',
      COZY_JOB_ID: 'j9',
      COZY_JOB_MANUAL_EXECUTION: 'false',
    },
    async [Symbol.asyncDispose]() {
      await close()
      // Else it would still be writing when its folder goes.
      await stack.flush()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Starts `node <file>` with exactly this environment, as a server does. */
export function startKonnector(
  file: string,
  env: Record<string, string>,
  options: { cwd?: string; node?: string } = {},
): Running {
  const child = spawn(options.node ?? process.execPath, [file], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd ? { cwd: options.cwd } : {}),
    // Never longer than this, whatever happens in it.
    timeout: 30_000,
    killSignal: 'SIGKILL',
  })
  const lines: Line[] = []
  const output: string[] = []
  const watchers = new Set<(line: Line) => void>()
  child.stderr.on('data', chunk => output.push(String(chunk)))
  const reader = createInterface(child.stdout)
  reader.on('line', text => {
    output.push(text)
    if (!text.startsWith('{')) return
    const line = JSON.parse(text) as Line
    lines.push(line)
    for (const watch of watchers) watch(line)
  })
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]).then(([[code]]) => ({
    code: code as number | null,
    lines,
    output: output.join('\n'),
    critical: lines.findLast(line => line.type === 'critical')?.message,
  }))
  return {
    ended,
    kill: signal => void child.kill(signal),
    line: fits =>
      new Promise((resolve, reject) => {
        const found = lines.find(fits)
        if (found) return resolve(found)
        watchers.add(line => fits(line) && resolve(line))
        void ended.then(end => reject(new Error(`ended without that line:\n${end.output}`)))
      }),
  }
}
