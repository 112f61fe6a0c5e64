import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalStack, type LocalStack } from '@konnectory/standalone'

export interface Line {
  type: string
  message?: string
  label?: string
  namespace?: string
  no_retry?: boolean
}

export interface Ended {
  code: number | null
  /** JSON lines of the log. */
  lines: Line[]
  stdout: string
  stderr: string
}

const LIBS = join(import.meta.dirname, '../..')

/**
 * A folder with a stack listening in it, where konnectors are run as a server runs them: a plain `node file`, the server's
 * environment and nothing else, `require('cozy-konnector-libs')` answered by this package.
 */
export async function openWorkshop(
  options: { account?: Record<string, unknown>; auth?: Record<string, unknown> } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'libs-run-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(LIBS, join(folder, 'node_modules/cozy-konnector-libs'))
  const stack: LocalStack = createLocalStack({
    root: join(folder, 'data'),
    slug: 'acme',
    account: { id: 'acc1', auth: options.auth ?? { login: 'me@mail.net', password: 'hunter22' } },
    ...(options.account ? { fixture: { 'io.cozy.accounts': [{ _id: 'acc1', ...options.account }] } } : {}),
  })
  const listening = await stack.listen()
  const running = new Set<ChildProcess>()
  const environment = {
    COZY_URL: `${listening.url}/`.replace(/\/\/$/, '/'),
    COZY_CREDENTIALS: listening.token,
    COZY_FIELDS: JSON.stringify({ account: 'acc1', konnector: 'acme', folder_to_save: 'io.cozy.files.root-dir' }),
    COZY_PARAMETERS: 'null',
    COZY_PAYLOAD: '',
    COZY_JOB_MANUAL_EXECUTION: 'true',
    // Our sources are TypeScript: stripped and compiled once, not by each process (0.4 s otherwise).
    NODE_COMPILE_CACHE: join(tmpdir(), 'konnectory-test-compile-cache'),
  }

  let written = 0
  async function write(source: string, file = `konnector-${++written}.js`): Promise<string> {
    const path = join(folder, file)
    await writeFile(path, source)
    return path
  }

  /** @param env over the server's; undefined takes a variable away */
  function start(path: string, env: Record<string, string | undefined> = {}, cwd = folder) {
    const child = spawn(process.execPath, [path], { cwd, env: { ...environment, ...env } as NodeJS.ProcessEnv })
    running.add(child)
    let stdout = ''
    let stderr = ''
    const waiting: { pattern: RegExp; resolve: () => void }[] = []
    child.stdout.on('data', chunk => {
      stdout += chunk
      for (const { pattern, resolve } of waiting) if (pattern.test(stdout)) resolve()
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    const ended = new Promise<Ended>((resolve, reject) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
      child.on('error', reject)
      child.on('close', code => {
        clearTimeout(timer)
        running.delete(child)
        const lines = stdout
          .split('\n')
          .filter(line => line.startsWith('{'))
          .map(line => JSON.parse(line) as Line)
        resolve({ code, lines, stdout, stderr })
      })
    })
    return {
      child,
      ended,
      /** Resolves once the output matches; rejects when the process ends before. */
      said: (pattern: RegExp) =>
        Promise.race([
          new Promise<void>(resolve => {
            if (pattern.test(stdout)) resolve()
            else waiting.push({ pattern, resolve })
          }),
          ended.then(({ stdout: all, stderr: errors }) => {
            if (!pattern.test(all)) throw new Error(`ended without saying ${pattern}: ${all}${errors}`)
          }),
        ]),
    }
  }

  return {
    folder,
    stack,
    environment,
    write,
    start,
    /** Writes and runs a konnector to its end. */
    async run(source: string, env: Record<string, string | undefined> = {}): Promise<Ended> {
      return start(await write(source), env).ended
    },
    /** The account as stored. */
    async account(): Promise<Record<string, unknown>> {
      const response = await stack.fetch('http://x/data/io.cozy.accounts/acc1')
      return (await response.json()) as Record<string, unknown>
    },
    async changeAccount(attributes: object): Promise<void> {
      const response = await stack.fetch('http://x/data/io.cozy.accounts/acc1')
      const doc = (await response.json()) as object
      const body = JSON.stringify({ ...doc, ...attributes })
      const answer = await stack.fetch('http://x/data/io.cozy.accounts/acc1', { method: 'PUT', body })
      if (!answer.ok) throw new Error(await answer.text())
    },
    async [Symbol.asyncDispose]() {
      for (const child of running) child.kill('SIGKILL')
      await listening.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The job's error, as a server reads it: the last critical line. */
export function criticalOf({ lines }: Ended): string | undefined {
  return lines.findLast(line => line.type === 'critical')?.message
}
