import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Log } from '../log.ts'
import { MasterKeyError } from './contract.ts'
import { keyFile } from './key-file.ts'
import {
  hasTables,
  insertMasterKey,
  lockMasterKeys,
  type MasterKeyRow,
  type Runner,
  readMasterKeyRows,
} from './key-store.ts'
import { assertKeyCheck, type MasterKey, masterKeyText, parseMasterKey, writeKeyCheck } from './master-key.ts'

/** The master keys of this process, from the environment and the file. */
export interface MasterKeys {
  /** @throws MasterKeyError when they are not those of the database; only reads */
  assertMatch(run: Runner): Promise<void>
  /** Takes them into use, in a transaction of its own; makes the file when the database has seen no key yet. */
  start(run: Runner): Promise<void>
  /** The one that wraps. */
  current(): MasterKey
  /** @throws MasterKeyError when it is not at hand, also after a look into the file */
  byId(id: string): MasterKey
  /** Makes another the current one: a new one in the file, or the first of the environment as it is. */
  renew(run: Runner): Promise<MasterKey>
}

export function createMasterKeys(
  config: Pick<Config, 'dataDirectory' | 'masterKeys'>,
  { clock, log }: { clock: Clock; log: Log },
): MasterKeys {
  const file = keyFile(config.dataDirectory, log)
  const given = (config.masterKeys ?? []).map(text => {
    log.hide(text)
    const key = parseMasterKey(text)
    if (!key) throw new MasterKeyError('KONNECTORY_MASTER_KEY is no key of 32 bytes in base64 or hexadecimal.')
    return key
  })
  let keys: MasterKey[] = []

  /** The environment's first, since who sets it means it; the file's still open what they wrapped. */
  const take = (fromFile: MasterKey[] | undefined): MasterKey[] => {
    for (const key of [...given, ...(fromFile ?? [])]) log.hide(masterKeyText(key))
    keys = [...given, ...(fromFile ?? [])]
    return keys
  }

  const source = () => (given.length > 0 ? `KONNECTORY_MASTER_KEY or ${file.path}` : file.path)

  const assertKnown = (rows: MasterKeyRow[]): void => {
    const known = new Map(keys.map(key => [key.id, key]))
    const missing = rows.filter(({ id, used }) => used && !known.has(id))
    const strange = missing.length === 0 && !rows.some(({ id }) => known.has(id)) ? rows : missing
    if (rows.length > 0 && strange.length > 0) {
      const have =
        keys.length === 0
          ? `there is no ${file.path}, and KONNECTORY_MASTER_KEY is not set`
          : `the key at hand is ${keys.map(({ id }) => id).join(', ')} (${source()})`
      throw new MasterKeyError(
        `The secrets of this database are sealed with master key ${strange.map(({ id }) => id).join(', ')}, but ${have}. Put back the master-key.json that belongs to this database, from a backup of its data directory, or set KONNECTORY_MASTER_KEY to that key. Nothing was written.`,
      )
    }
    for (const { id, key_check } of rows) {
      const key = known.get(id)
      if (key) assertKeyCheck(key, key_check)
    }
  }

  const record = (run: Runner, key: MasterKey) => insertMasterKey(run, key.id, writeKeyCheck(key), clock.now())

  const current = (): MasterKey => {
    if (!keys[0]) throw new MasterKeyError('The keyring has not been started')
    return keys[0]
  }

  return {
    current,
    async assertMatch(run) {
      take(file.read())
      assertKnown((await hasTables(run)) ? await readMasterKeyRows(run) : [])
    },
    async start(run) {
      await lockMasterKeys(run)
      const rows = await readMasterKeyRows(run)
      take(file.read())
      assertKnown(rows)
      // Under the lock: of two processes with folders of their own, the second finds the first one's row and refuses.
      if (keys.length === 0) {
        take(file.create(clock.now()))
        log.info('made the master key: keep a copy of it away from the database', { path: file.path })
      }
      if (!rows.some(({ id }) => id === current().id)) await record(run, current())
    },
    byId(id) {
      const find = () => keys.find(key => key.id === id)
      const found = find()
      if (found) return found
      // Another process may have made a new one.
      take(file.read())
      const added = find()
      if (added) return added
      throw new MasterKeyError(`Master key ${id} is not at hand (${source()}); another process has made or brought it.`)
    },
    async renew(run) {
      await lockMasterKeys(run)
      if (given.length === 0) take(file.prepend(clock.now()))
      await record(run, current())
      return current()
    },
  }
}
