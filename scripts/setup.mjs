// First step of every `npm start` and `npm test`, run by whatever Node the machine has (20 or newer), before any
// dependency exists. Installs from the lockfile when node_modules is missing or older than the lockfile, and makes
// sure the Node that this project pins really came with it.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stampFile = join(root, 'node_modules', '.konnectory-setup')

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 20) {
  stop(`Konnectory needs Node 20 or newer to set itself up; this is ${process.version}.`)
}

const lock = readFileSync(join(root, 'package-lock.json'))
const stamp = createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`).digest('hex')
const pinnedNode = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')

if (!isFresh()) {
  process.stderr.write('Setting up: installing dependencies from package-lock.json …\n')
  const started = Date.now()
  // --ignore-scripts: no dependency of ours needs an install script, so none gets to run one.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const result = spawnSync(npm, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (result.error) stop(`npm could not be started: ${result.error.message}`)
  if (result.status !== 0)
    stop(`npm ci failed (exit ${result.status}). Is the npm registry reachable? Then run the same command again.`)
  if (!existsSync(pinnedNode)) {
    stop(
      `No pinned Node came for ${process.platform}-${process.arch}: npm was told to leave optional dependencies out, or there is no such package. ` +
        'Check `npm config get omit`, then run the same command again.',
    )
  }
  writeFileSync(stampFile, stamp)
  process.stderr.write(`Set up in ${((Date.now() - started) / 1000).toFixed(0)} s.\n`)
}

function isFresh() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp && existsSync(pinnedNode)
}

function stop(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
