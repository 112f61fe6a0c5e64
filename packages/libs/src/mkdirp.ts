import { posix } from 'node:path'
import { cozyClient } from './cozy-client/index.ts'
import type { FileResource } from './cozy-client/json-api.ts'

/** The part of a client that `mkdirp` needs. */
export interface DirectoryClient {
  files: {
    statByPath(path: string): Promise<FileResource>
    createDirectory(options: { name: string; dirID: string }): Promise<FileResource>
  }
}

/** Directory at a path, or null when somebody else made (409) or removed its parent (404) meanwhile. */
export type Mkdirp = (...parts: string[]) => Promise<FileResource | null>

const isAbsentOrTaken = (error: unknown) => [404, 409].includes((error as { status?: number } | null)?.status ?? 0)

/** @returns a `mkdirp` that uses another client */
function fromCozy(client: DirectoryClient): Mkdirp {
  return async function makeDirectory(...parts: string[]): Promise<FileResource | null> {
    const path = posix.join('/', ...parts)
    try {
      return await client.files.statByPath(path)
    } catch (error) {
      if (!isAbsentOrTaken(error) || path === '/') throw error
    }
    const parent = await makeDirectory(posix.dirname(path))
    try {
      return await client.files.createDirectory({ name: posix.basename(path), dirID: parent?._id as string })
    } catch (error) {
      if (!isAbsentOrTaken(error)) throw error
      return null
    }
  }
}

/**
 * Makes a directory and its parents where they are missing (`sdk/exports.md` section 17).
 * @param parts joined to one path from the root; a leading slash is added, a trailing one ignored
 * @returns the directory; null when creating it met 404 or 409; other errors reject
 */
export const mkdirp: Mkdirp & { fromCozy: typeof fromCozy } = Object.assign(fromCozy(cozyClient), { fromCozy })
