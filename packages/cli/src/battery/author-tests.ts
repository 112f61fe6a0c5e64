import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type CheckResult, failed, passed, skipped } from './check.ts'

const TEST_FILE = /\.test\.(?:[cm]?js|[cm]?ts)$/

/** @returns the project's own test files, `test/*.test.{js,ts,mjs,…}` */
export function findAuthorTests(root: string): string[] {
  const dir = join(root, 'test')
  if (!existsSync(dir)) return []
  return readdirSync(dir)
    .filter(name => TEST_FILE.test(name))
    .sort()
    .map(name => join(dir, name))
}

/** Runs them with Node's own test runner; `onOutput` gets its report as it comes. */
export async function runAuthorTests(
  files: string[],
  root: string,
  env: NodeJS.ProcessEnv,
  onOutput: (text: string) => void,
): Promise<CheckResult> {
  const typed = files.some(file => /ts$/.test(file))
  if (typed && !(process.features as { typescript?: unknown }).typescript)
    return skipped(`Node ${process.versions.node} does not run TypeScript: use Node 22.18 or later for test/*.test.ts.`)
  const { NODE_TEST_CONTEXT: _nested, ...clean } = env
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', ...files], {
    cwd: root,
    env: clean,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output += text
      onOutput(text)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  return code === 0 ? passed : failed("The konnector's own tests fail.", output.trim().split('\n'))
}
