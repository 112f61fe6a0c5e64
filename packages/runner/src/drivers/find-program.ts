import { accessSync, constants } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { hasCode } from '../errors.ts'

/** A program on this server's PATH, as an absolute path: `spawn` would look for it on the PATH the konnector gets. */
export function findProgram(name: string): string | undefined {
  if (isAbsolute(name)) return name
  for (const folder of (process.env.PATH ?? '/usr/bin').split(delimiter).filter(isAbsolute)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) throw error
    }
  }
  return undefined
}
