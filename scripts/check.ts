/** `npm run check`: types, lint and format, and the architecture test. Each is run even when one before it failed. */
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'

const root = dirname(import.meta.dirname)
const steps: [name: string, command: string, args: string[]][] = [
  ['types', 'tsc', ['-p', '.']],
  ['lint and format', 'biome', ['check', '--error-on-warnings', '.']],
  ['architecture', process.execPath, ['--test', '--test-reporter=dot', 'architecture.test.ts']],
]

const failed = steps.filter(([name, command, args]) => {
  const started = Date.now()
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  process.stdout.write(
    `${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`,
  )
  return status !== 0
})
process.exit(failed.length === 0 ? 0 : 1)
