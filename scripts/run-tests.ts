/**
 * Runs the tests with Node's own runner.
 *
 *     npm test                      everything, with the short versions of the long rounds
 *     npm run test:long             the same with the long rounds
 *     npm test -- --external        the stack's on Debian's PostgreSQL 15 instead of the embedded one
 *     npm test -- packages/sdk      only the tests below that folder, or one file
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const args = process.argv.slice(2)
const long = args.includes('--long')
const only = args.filter(arg => !arg.startsWith('--')).map(arg => arg.replace(/\/+$/, ''))

const patterns = [
  '*.test.ts',
  'packages/*/test/**/*.test.ts',
  'konnectors/*/test/**/*.test.ts',
  'acceptance/**/*.test.ts',
  'bench/**/*.test.ts',
]
const files = globSync(patterns, { cwd: root })
  .filter(file => only.length === 0 || only.some(path => file === path || file.startsWith(`${path}/`)))
  .sort()

if (files.length === 0) {
  process.stderr.write(`No test matches ${only.join(' ')}.\n`)
  process.exit(1)
}

const env = { ...process.env }
// What the person running the tests has exported must not change what they prove.
for (const name of Object.keys(env)) {
  if (/^(COZY_|KONNECTORY_(?!FUZZ_)|SENTRY_|REPLAY$|NODE_ENV$|NO_COLOR$|FORCE_COLOR$)/.test(name)) delete env[name]
}
if (long) env.KONNECTORY_LONG = '1'
if (args.includes('--external')) env.KONNECTORY_TEST_DATABASE = 'external'

const options = [
  '--test',
  `--test-concurrency=${availableParallelism()}`,
  '--test-timeout=300000',
  '--test-reporter=spec',
]
const child = spawn(process.execPath, [...options, ...files.map(file => join(root, file))], {
  cwd: root,
  env,
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
