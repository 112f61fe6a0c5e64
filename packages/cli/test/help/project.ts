import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { type StandaloneOptions, standalone } from '../../src/standalone/standalone.ts'
import type { Terminal } from '../../src/terminal/output.ts'

export interface TestProject extends AsyncDisposable {
  root: string
  write(path: string, content: string | object): Promise<void>
  read(path: string): Promise<string>
  json(path: string): Promise<Record<string, Record<string, unknown>[]>>
}

export const MANIFEST = {
  name: 'Tiny',
  slug: 'tiny',
  type: 'konnector',
  version: '1.0.0',
  editor: 'me',
  icon: '<svg/>',
  language: 'node',
  fields: { login: { type: 'text' }, password: { type: 'password' } },
  permissions: {
    bills: { type: 'io.cozy.bills' },
    files: { type: 'io.cozy.files' },
    accounts: { type: 'io.cozy.accounts' },
  },
}

export const CONFIG = { fields: { login: 'planted.login@mail.example', password: 'planted-password' } }

/** A konnector's folder. `files` are written as they are, objects as JSON. */
export async function makeProject(files: Record<string, string | object>): Promise<TestProject> {
  const root = await mkdtemp(join(tmpdir(), 'konnectory-project-'))
  const project: TestProject = {
    root,
    async write(path, content) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    },
    read: path => readFile(join(root, path), 'utf8'),
    json: async path => JSON.parse(await readFile(join(root, path), 'utf8')),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
  for (const [path, content] of Object.entries(files)) await project.write(path, content)
  return project
}

export interface Captured {
  terminal: Terminal
  stdout(): string
  stderr(): string
  stdin: PassThrough
}

/** A terminal that is none: pipes, as in a script. */
export function capture(cwd: string, env: NodeJS.ProcessEnv = {}): Captured {
  let out = ''
  let err = ''
  const stdin = new PassThrough()
  const sink = (add: (text: string) => void) =>
    new Writable({
      write(chunk, _encoding, done) {
        add(String(chunk))
        done()
      },
    })
  const { REPLAY: _replay, FORCE_COLOR: _color, ...base } = process.env
  return {
    stdin,
    stdout: () => out,
    stderr: () => err,
    terminal: {
      stdin,
      stdout: sink(text => {
        out += text
      }),
      stderr: sink(text => {
        err += text
      }),
      env: { ...base, ...env },
      cwd,
    },
  }
}

export interface StandaloneResult {
  code: number
  stdout: string
  stderr: string
}

export async function runStandalone(
  project: TestProject,
  options: StandaloneOptions = {},
  env: NodeJS.ProcessEnv = {},
  input = '',
): Promise<StandaloneResult> {
  const captured = capture(project.root, env)
  if (input) captured.stdin.write(input)
  const code = await standalone(options, captured.terminal)
  return { code, stdout: captured.stdout(), stderr: captured.stderr() }
}

/** Lines of a `--json` run. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}
