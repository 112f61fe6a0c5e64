import { join } from 'node:path'
import { type Migration, readMigrations } from '#ground/database/index'

/** Rooms that have tables, in the order of the house. */
const ROOMS = [
  'instances',
  'permissions',
  'oauth',
  'data',
  'files',
  'accounts',
  'jobs',
  'triggers',
  'registry',
  'konnectors',
  'settings',
]

/** All migrations of the house. */
export function houseMigrations(): Migration[] {
  return readMigrations(
    ROOMS.map(room => ({ room, folder: join(import.meta.dirname, '..', 'rooms', room, 'migrations') })),
  )
}
