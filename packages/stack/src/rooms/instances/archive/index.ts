import type { Readable } from 'node:stream'
import type { Instance } from '../instance.ts'
import { exportInstance } from './export.ts'
import { type ImportDeps, type Imported, importInstance } from './import.ts'
import { createPortable, type Portable } from './portable.ts'

export type { Imported } from './import.ts'
export type { Portable, SealedPlace } from './portable.ts'

/** Instances that travel: to another server, on another database, or into a safe. */
export interface Archive {
  /** Rooms tell here what needs care (`portable.ts`). */
  portable: Portable
  /** @returns a tar; destroying it ends the work */
  export(instance: Instance, options: { passphrase?: string | undefined }): Promise<Readable>
  import(
    archive: AsyncIterable<Buffer>,
    options: { domain?: string | undefined; passphrase?: string | undefined },
  ): Promise<Imported>
  /** Called when all rows of an imported instance are there, before it answers: for what stands outside of them. */
  onImported(hook: (instance: Instance) => Promise<void>): void
}

export function createArchive(deps: Omit<ImportDeps, 'portable' | 'imported'>): Archive {
  const portable = createPortable()
  const imported: ImportDeps['imported'] = []
  return {
    portable,
    export: (instance, options) => exportInstance({ ...deps, portable }, instance, options),
    import: (archive, options) => importInstance({ ...deps, portable, imported }, archive, options),
    onImported: hook => void imported.push(hook),
  }
}
