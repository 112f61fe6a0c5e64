import type { Clock } from '../clock.ts'
import type { DatabaseConfig } from '../config.ts'
import type { Log } from '../log.ts'
import { type Binaries, givenBinaries, packagedBinaries, systemBinaries } from './binaries.ts'
import { openDataDirectory } from './data-directory.ts'
import { type RunningPostgres, startPostgres } from './launcher.ts'
import { type DatabaseRecord, readRecord, writeRecord } from './record.ts'
import { DatabaseStartError } from './start-error.ts'

export interface ProviderOptions {
  dataDirectory: string
  database: DatabaseConfig
  log: Log
  clock: Clock
}

/** Where the pool connects to; `server` is there when it is ours to end. */
export type Provided =
  | { kind: 'external'; url: string; server?: undefined; remember(): void }
  | { kind: 'managed'; server: RunningPostgres; remember?: undefined }

/**
 * The database of a data directory: DATABASE_URL when given, else a PostgreSQL that we start. Which one is recorded at the
 * first start; another choice later is refused, since it would show an empty server.
 * @throws DatabaseStartError with a sentence that says what to do
 */
export async function provideDatabase(options: ProviderOptions): Promise<Provided> {
  const { database, clock } = options
  const directory = openDataDirectory(options.dataDirectory)
  const record = readRecord(directory.path)
  assertSameProvider(directory.path, record, database)
  if (database.url) {
    const remember = () => {
      if (!record) writeRecord(directory, { provider: 'external', created: clock.now().toISOString() })
    }
    return { kind: 'external', url: database.url, remember }
  }

  const managed = record?.provider === 'managed' ? record : undefined
  const binaries = await chooseBinaries(database, managed)
  const server = await startPostgres({
    dataDirectory: directory.path,
    binaries,
    connections: database.connections,
    socketDirectory: database.socketDirectory,
    log: options.log,
  })
  const now: DatabaseRecord = {
    provider: 'managed',
    created: managed?.created || clock.now().toISOString(),
    major: binaries.major,
    binaries: binaries.source,
    ...(binaries.source === 'PG_BIN' && { bin: binaries.bin }),
  }
  try {
    if (JSON.stringify(now) !== JSON.stringify(managed)) writeRecord(directory, now)
  } catch (error) {
    await server.stop()
    throw error
  }
  return { kind: 'managed', server }
}

function assertSameProvider(directory: string, record: DatabaseRecord | undefined, { url }: DatabaseConfig): void {
  if (!record || (record.provider === 'external') === (url !== undefined)) return
  const sentence =
    record.provider === 'external'
      ? `${directory} was set up with an external database. Set DATABASE_URL to it again; for a new, empty server choose another folder with KONNECTORY_DATA.`
      : `${directory} holds a database of its own, and DATABASE_URL names another. Unset DATABASE_URL to go on with what is there; to move, ` +
        'export the instances, then import them with DATABASE_URL and a new KONNECTORY_DATA.'
  throw new DatabaseStartError('provider_changed', sentence)
}

/** What the operator asks for now; else what the record says; else what npm brought. */
async function chooseBinaries(
  { binaries, choice }: DatabaseConfig,
  record: Extract<DatabaseRecord, { provider: 'managed' }> | undefined,
): Promise<Binaries> {
  if (binaries) return givenBinaries(binaries)
  const source = choice ?? record?.binaries ?? 'package'
  if (source === 'system') return systemBinaries(record?.major)
  if (source === 'PG_BIN' && record?.bin) return givenBinaries(record.bin)
  return packagedBinaries()
}
