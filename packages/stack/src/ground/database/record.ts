import { existsSync, lchownSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { DataDirectory } from './data-directory.ts'
import { handsOver } from './service-user.ts'
import { DatabaseStartError, hasCode } from './start-error.ts'

/** Which database a data directory was set up with: decided at the first start, never switched silently (storage.md §6.9). */
export type DatabaseRecord =
  | { provider: 'external'; created: string }
  | {
      provider: 'managed'
      created: string
      major: number
      binaries: 'package' | 'system' | 'PG_BIN'
      bin?: string | undefined
    }

const recordSchema: z.ZodType<DatabaseRecord> = z.discriminatedUnion('provider', [
  z.object({ provider: z.literal('external'), created: z.string() }),
  z.object({
    provider: z.literal('managed'),
    created: z.string(),
    major: z.number(),
    binaries: z.enum(['package', 'system', 'PG_BIN']),
    bin: z.string().optional(),
  }),
])

const fileOf = (dataDirectory: string) => join(dataDirectory, 'database.json')

/**
 * @returns what the directory was set up with; undefined for a new one
 * @throws DatabaseStartError `provider_changed` when the file is there and says nothing that we know
 */
export function readRecord(dataDirectory: string): DatabaseRecord | undefined {
  const file = fileOf(dataDirectory)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    return implied(dataDirectory)
  }
  try {
    return recordSchema.parse(JSON.parse(text))
  } catch (error) {
    throw new DatabaseStartError(
      'provider_changed',
      `${file} does not say which database this directory was set up with (a newer Konnectory's, or damaged). Restore it from a backup; ` +
        'without one, remove it, and start with the settings of the first start.',
      error,
    )
  }
}

/** A first start that ended between making the database and writing the record. */
function implied(dataDirectory: string): DatabaseRecord | undefined {
  const version = join(dataDirectory, 'postgresql', 'PG_VERSION')
  if (!existsSync(version)) return undefined
  return {
    provider: 'managed',
    created: '',
    major: Number.parseInt(readFileSync(version, 'utf8'), 10),
    binaries: 'package',
  }
}

/** Writes the record, whole or not at all. */
export function writeRecord({ path, user }: DataDirectory, record: DatabaseRecord): void {
  const file = fileOf(path)
  const aside = `${file}.new`
  rmSync(aside, { force: true })
  writeFileSync(aside, `${JSON.stringify(record, null, 2)}\n`, { flag: 'wx', mode: 0o600, flush: true })
  if (handsOver(user)) lchownSync(aside, user.uid, user.gid)
  renameSync(aside, file)
}
