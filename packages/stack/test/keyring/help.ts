import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/ground/clock.ts'
import { createTestDatabase, silentLog, type TestDatabase } from '../../src/ground/database/testing.ts'
import { createKeyring, type ManagedKeyring } from '../../src/ground/keyring/index.ts'
import type { Log } from '../../src/ground/log.ts'

/** A database and data directories, all gone at the end of the test. */
export interface Cellar extends AsyncDisposable {
  database: TestDatabase
  /** A new empty folder, as another machine would have. */
  folder(): string
  /** A keyring as a process would open it. */
  keyring(folder: string, options?: { masterKeys?: string[]; log?: Log }): ManagedKeyring
}

export async function openCellar(options: { migrations?: [] } = {}): Promise<Cellar> {
  const cleanup = new AsyncDisposableStack()
  const database = cleanup.use(await createTestDatabase(options))
  return {
    database,
    folder() {
      const folder = mkdtempSync(join(tmpdir(), 'konnectory-keyring-'))
      cleanup.defer(() => rmSync(folder, { recursive: true, force: true }))
      return folder
    },
    keyring(folder, { masterKeys, log = silentLog } = {}) {
      const config = { dataDirectory: folder, ...(masterKeys && { masterKeys }) }
      return cleanup.use(createKeyring({ config, database, clock: systemClock, log }))
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}
