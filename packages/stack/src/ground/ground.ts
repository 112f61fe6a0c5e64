import type { Blobs } from './blobs/contract.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { Database } from './database/index.ts'
import type { Documents } from './documents/contract.ts'
import type { Keyring } from './keyring/contract.ts'
import type { Log } from './log.ts'
import type { News } from './news/contract.ts'

/** What every room stands on. Made once by `house.ts`, handed to every room. */
export interface Ground {
  config: Config
  clock: Clock
  log: Log
  database: Pick<Database, 'query' | 'driver' | 'transaction'>
  documents: Documents
  news: News
  blobs: Blobs
  keyring: Keyring
}
