import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Root of this package, and of the repository when it runs from a checkout. */
const PACKAGE = fileURLToPath(new URL('../../', import.meta.url))
const PACK_SCRIPT = join(PACKAGE, '..', '..', 'scripts', 'pack.ts')

/** Where the packages of a checkout are kept in a new konnector. */
export const PACKED_FOLDER = '.konnectory'

/** How a new konnector asks for our packages. */
export interface OwnPackages {
  /** Version or `file:` of a package of ours. */
  rangeOf(name: string): string
  /** For `overrides` (npm) and `resolutions` (yarn 1): our packages among themselves; empty when the registry has them. */
  pins: Record<string, string>
}

/** True when this CLI runs from the repository: no registry has these versions. */
export function isCheckout(): boolean {
  return !/[\\/]node_modules[\\/]/.test(PACKAGE) && existsSync(PACK_SCRIPT)
}

/**
 * Prepares our packages for a new konnector in `dir`. Installed from a registry: `^version`. From a checkout: packed and
 * copied into the konnector, so that it installs anywhere; our packages also depend on each other by version, which only
 * `overrides` and `resolutions` can redirect.
 */
export async function prepareOwnPackages(dir: string): Promise<OwnPackages> {
  if (!isCheckout()) {
    const { version } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }
    return { rangeOf: () => `^${version}`, pins: {} }
  }
  const { packAll } = (await import(pathToFileURL(PACK_SCRIPT).href)) as {
    packAll(out: string): Promise<Record<string, string>> | Record<string, string>
  }
  const out = await mkdtemp(join(tmpdir(), 'konnectory-create-'))
  try {
    await mkdir(join(dir, PACKED_FOLDER), { recursive: true })
    const pins: Record<string, string> = {}
    for (const [name, tarball] of Object.entries(await packAll(out))) {
      await copyFile(tarball, join(dir, PACKED_FOLDER, basename(tarball)))
      pins[name] = `file:./${PACKED_FOLDER}/${basename(tarball)}`
    }
    return {
      rangeOf: name => {
        const pin = pins[name]
        if (!pin) throw new Error(`${PACK_SCRIPT} made no ${name}`)
        return pin
      },
      pins,
    }
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}
