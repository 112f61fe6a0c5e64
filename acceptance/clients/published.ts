import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * The published clients, unmodified, from a folder with a lock file of its own: 280 packages that the repository itself does
 * not want. `npm ci` puts them beside this file when they are first asked for, and again when the lock file changes.
 */
const folder = import.meta.dirname
const installed = join(folder, 'node_modules/.of-lock-file')
/** Longest wait for another test file that installs, in milliseconds. */
const PATIENCE_MS = 240_000

let resolve: NodeJS.Require | undefined

/** `require` of a published client, as its users write it. */
// biome-ignore lint/suspicious/noExplicitAny: their types are not ours to check, their behaviour is
export function published(name: string): any {
  resolve ??= installOnce()
  return resolve(name)
}

function installOnce(): NodeJS.Require {
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  if (installedLock() !== wanted) {
    // Test files are processes side by side. The operating system frees this lock however its holder ends.
    using lock = new DatabaseSync(join(folder, '.install-lock'), { timeout: PATIENCE_MS })
    lock.exec('begin exclusive')
    if (installedLock() !== wanted) {
      install()
      writeFileSync(installed, wanted)
    }
  }
  return createRequire(join(folder, 'package.json'))
}

function installedLock(): string | undefined {
  try {
    return readFileSync(installed, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** How npm reaches its registry. The rest of what an outer `npm test` sets tells an inner npm to work on the outer package. */
const ABOUT_THE_REGISTRY =
  /^npm_config_(registry|cache|userconfig|globalconfig|https?_proxy|proxy|noproxy|ca|cafile|strict_ssl)$/i

function install(): void {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || ABOUT_THE_REGISTRY.test(name)),
  )
  const { status, error, stdout, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--prefix', folder], {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
  })
  if (status === 0) return
  throw new Error(
    `The published clients could not be installed; these tests need the npm registry once. npm ci in ${folder} ` +
      `ended with ${error?.message ?? status}:\n${stdout}${stderr}`,
  )
}
