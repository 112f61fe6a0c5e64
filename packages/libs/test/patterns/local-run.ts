import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder to save to, with the libraries on their own stack in this process (stub.md). */
export interface LocalRun extends Disposable {
  folder: string
  /** A saved file, by its path in the folder. */
  read(path: string): Buffer
}

/** Makes the libraries save to a new folder of this disk; to be called before they are first used. */
export function startLocalRun(): LocalRun {
  const folder = mkdtempSync(join(tmpdir(), 'konnectory-pattern-'))
  const cwd = process.cwd()
  process.chdir(folder)
  Object.assign(process.env, { NODE_ENV: 'test', COZY_FIELDS: JSON.stringify({ folder_to_save: folder }) })
  return {
    folder,
    read: path => readFileSync(join(folder, path)),
    [Symbol.dispose]() {
      process.chdir(cwd)
      // The stack writes its data file when the process ends: after it, and not before.
      process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    },
  }
}
