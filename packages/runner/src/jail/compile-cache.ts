import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../errors.ts'
import { give, type JailUser } from './user.ts'

/**
 * Compiled code of bundles, a folder per bundle version. A cache is code: it is written by one run that has seen nothing but the
 * bundle, then only read, and no two konnectors share one.
 */
export class CompileCache {
  readonly #folder: string
  readonly #user: JailUser

  constructor(cacheDirectory: string, user: JailUser) {
    this.#folder = join(cacheDirectory, 'compile')
    this.#user = user
    mkdirSync(this.#folder, { recursive: true, mode: 0o755 })
  }

  find(key: string): string | undefined {
    const path = this.#pathOf(key)
    return existsSync(path) ? path : undefined
  }

  /** @param fill writes into a folder of the konnector's user; what it leaves becomes the cache */
  async make(key: string, fill: (folder: string) => Promise<void>): Promise<void> {
    if (this.find(key)) return
    const building = mkdtempSync(join(this.#folder, 'building-'))
    try {
      give(building, this.#user)
      await fill(building)
      renameSync(building, this.#pathOf(key))
    } catch (error) {
      // Somebody else has made it meanwhile, from the same bundle.
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
    } finally {
      rmSync(building, { recursive: true, force: true })
    }
  }

  #pathOf(key: string): string {
    return join(this.#folder, createHash('sha256').update(key).digest('hex').slice(0, 32))
  }
}
