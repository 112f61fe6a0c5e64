import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ManifestLike } from './konnector.ts'

/** The build replaces this name by the manifest's JSON (`sdk/build.md` section 1). */
declare const __WEBPACK_PROVIDED_MANIFEST__: ManifestLike | undefined

/**
 * The manifest of a run: the one in the code, else the one the build put in, else `manifest.konnector` in the working
 * directory (a server starts a konnector in its own). `{}` when there is none.
 */
export function findManifest(own: ManifestLike | undefined, cwd: string): ManifestLike {
  if (own) return own
  if (typeof __WEBPACK_PROVIDED_MANIFEST__ !== 'undefined') return __WEBPACK_PROVIDED_MANIFEST__
  try {
    return JSON.parse(readFileSync(join(cwd, 'manifest.konnector'), 'utf8')) as ManifestLike
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new Error(`manifest.konnector in ${cwd} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
