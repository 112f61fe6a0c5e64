import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '../../src/program.ts'
import { capture, MANIFEST } from '../help/project.ts'

export interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** A konnector in a git repository with its build, and a bare repository to push to. */
export interface Place extends Disposable {
  top: string
  root: string
  remote: string
  write(path: string, content: string): void
  git(...args: string[]): string
  /** git in the bare repository. */
  there(...args: string[]): string
  deploy(args?: string[], env?: NodeJS.ProcessEnv): Promise<Ended>
}

/** No configuration of the person or the machine; an identity of the tests. */
export const GIT_ENV = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@mail.example',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@mail.example',
}

export const BUILD = {
  'build/index.js': 'console.log(1)\r\n',
  'build/manifest.konnector': JSON.stringify(MANIFEST),
}

export function gitIn(cwd: string, args: string[], env: NodeJS.ProcessEnv = {}): string {
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  return execFileSync('git', args, { cwd, encoding: 'utf8', stdio, env: { ...process.env, ...GIT_ENV, ...env } }).trim()
}

/** `konnectory deploy` in this process, in a folder. */
export async function deployIn(root: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const captured = capture(root, { ...GIT_ENV, DEPLOY_BRANCH: undefined, DEPLOY_REPOSITORY: undefined, ...env })
  const code = await run(['deploy', ...args], captured.terminal)
  return { code, stdout: captured.stdout(), stderr: captured.stderr() }
}

/** @param files beside the smallest konnector and its build */
export function makePlace(files: Record<string, string> = {}): Place {
  const top = mkdtempSync(join(tmpdir(), 'konnectory-deploy-test-'))
  const root = join(top, 'konnector')
  const remote = join(top, 'remote.git')
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  const sources = { '.gitignore': 'build/\n', 'src/index.js': '', 'manifest.konnector': JSON.stringify(MANIFEST) }
  for (const [path, content] of Object.entries({ ...sources, ...BUILD, ...files })) write(path, content)
  gitIn(top, ['init', '--quiet', '--bare', '--initial-branch=master', remote])
  gitIn(root, ['init', '--quiet', '--initial-branch=master'])
  gitIn(root, ['add', '.'])
  gitIn(root, ['commit', '--quiet', '-m', 'feat: élan\n\nbody'])
  gitIn(root, ['remote', 'add', 'origin', remote])
  gitIn(root, ['push', '--quiet', 'origin', 'master'])
  return {
    top,
    root,
    remote,
    write,
    git: (...args) => gitIn(root, args),
    there: (...args) => gitIn(remote, args),
    deploy: (args, env) => deployIn(root, args, env),
    [Symbol.dispose]: () => rmSync(top, { recursive: true, force: true }),
  }
}
