import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Guards against going round: the CLI sets its own value, and anything set means that somebody started us on purpose. */
const GUARD = 'KONNECTORY_RUN'

/**
 * For a konnector started by hand (`node build`, `node src/index.js`) where nothing says which server it works for:
 * when its project has our CLI, the same file is run by `konnectory standalone` and this process ends with that exit code;
 * otherwise does nothing. Called at the start of a run and at the first use of the client.
 */
export function handOver(): void {
  if (!isStartedByHand()) return
  const cwd = process.cwd()
  const cli = findCli(cwd)
  const file = mainFile()
  if (!cli || !file) return
  if (!existsSync(join(cwd, 'konnector-dev-config.json')) && !existsSync(join(cwd, 'manifest.konnector'))) return

  const shown = relative(cwd, file) || file
  console.log(`No COZY_URL in the environment: running \`konnectory standalone ${shown}\` instead`)
  const done = process.getBuiltinModule('node:child_process').spawnSync(process.execPath, [cli, 'standalone', shown], {
    stdio: 'inherit',
    env: { ...process.env, [GUARD]: 'hand-over' },
  })
  if (done.error) throw done.error
  process.exit(done.status ?? 1)
}

function isStartedByHand(): boolean {
  const { COZY_URL, COZY_CREDENTIALS, NODE_ENV, NODE_TEST_CONTEXT } = process.env
  if (COZY_URL || COZY_CREDENTIALS || process.env[GUARD]) return false
  // A test runner's process is not the konnector's.
  return !NODE_TEST_CONTEXT && !['standalone', 'test', 'development'].includes(NODE_ENV ?? '')
}

/** The file Node was given; `node build` gives the directory. */
function mainFile(): string | undefined {
  const argument = process.argv[1]
  if (!argument || !existsSync(argument)) return undefined
  return statSync(argument).isDirectory() ? join(argument, 'index.js') : argument
}

/** The CLI's script, found as a `package.json` script of the project in `cwd` would find it. */
function findCli(cwd: string): string | undefined {
  try {
    const manifest = process
      .getBuiltinModule('node:module')
      .createRequire(join(cwd, 'package.json'))
      .resolve('konnectory/package.json')
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin?: string | Record<string, string> }
    const script = typeof bin === 'string' ? bin : bin?.konnectory
    return script ? join(manifest, '..', script) : undefined
  } catch {
    return undefined // not installed here
  }
}
