import type pg from 'pg'
import { OLDEST_MAJOR } from './binaries.ts'
import { DatabaseStartError } from './start-error.ts'

/** Collations that compare strings by code point, as CouchDB's clients and our jsonb indexes expect (storage.md §7). */
const BY_CODE_POINT = ['C', 'POSIX', 'C.UTF-8', 'C.UTF8', 'C.utf8']

/**
 * Connects once and looks whether this database will do.
 * @returns the server's version, `18.4`
 * @throws DatabaseStartError `external_unreachable`, `external_unsuitable`; never with the password
 */
export async function assertSuitable(driver: pg.Pool): Promise<string> {
  const { rows } = await ask(driver)
  const found = rows[0]!
  const version = found.version.split(' ')[0]!
  const advice =
    "Konnectory needs one of its own: CREATE DATABASE konnectory TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
  if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
    throw unsuitable(
      `The database of DATABASE_URL is PostgreSQL ${version}; Konnectory needs ${OLDEST_MAJOR} or newer.`,
    )
  }
  if (found.encoding !== 'UTF8')
    throw unsuitable(`The database of DATABASE_URL stores text as ${found.encoding}. ${advice}`)
  const byCodePoint =
    found.locprovider === 'b' || (found.locprovider === 'c' && BY_CODE_POINT.includes(found.collation))
  if (!byCodePoint) {
    throw unsuitable(
      `The database of DATABASE_URL sorts text by the rules of ${found.collation ?? 'a language'}, and documents are sorted by code point. ${advice}`,
    )
  }
  if (found.readonly === 'on')
    throw unsuitable('The server of DATABASE_URL takes no writes: it is a standby. Name the primary.')
  return version
}

interface Found {
  version: string
  encoding: string
  collation: string
  locprovider: string
  readonly: string
}

/** Server 14 has no `datlocprovider`; so old a one is to be told its age, not that a column is missing. */
async function ask(driver: pg.Pool): Promise<pg.QueryResult<Found>> {
  try {
    return await driver.query<Found>(
      `select current_setting('server_version') as version, pg_encoding_to_char(encoding) as encoding,
              datcollate as collation, coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') as locprovider,
              current_setting('transaction_read_only') as readonly
         from pg_database d where datname = current_database()`,
    )
  } catch (error) {
    throw unreachable(error as Error & { code?: string })
  }
}

const ADVICE: Record<string, string> = {
  '28P01': 'The user or the password is wrong.',
  '28000': 'The server does not let this user in from here (pg_hba.conf).',
  '3D000': "There is no such database. CREATE DATABASE <name> TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'",
  '53300': 'The server has no connection left: lower KONNECTORY_DATABASE_CONNECTIONS, or raise its max_connections.',
  ECONNREFUSED: 'Nothing listens there. Is the server running, are host and port right?',
  ENOTFOUND: 'There is no host of that name.',
  ENOENT: 'There is no such socket. Is the server running?',
}

function unreachable(error: Error & { code?: string }): DatabaseStartError {
  const advice = ADVICE[error.code ?? ''] ?? 'Is the server running, are host and port right?'
  const said = error.message || error.code || 'no answer'
  return new DatabaseStartError('external_unreachable', `The database cannot be reached (${said}). ${advice}`, error)
}

function unsuitable(sentence: string): DatabaseStartError {
  return new DatabaseStartError('external_unsuitable', sentence)
}
