import type { Transaction } from 'kysely'
import type { GroundTables, Query } from '#ground/database/index'
import type { InstanceTables } from '../store.ts'

type Connection = Query | Transaction<GroundTables>

export interface StoredPassphrase {
  hash: string
  salt: string
  iterations: number
  hint: string | null
}

export interface NewPassphrase {
  hash: string
  salt: string
  iterations: number
  hint: string | null
  /** JSON text. */
  keys: string
  changedAt: Date
}

export function createPassphraseStore(query: Query) {
  const tables = (connection: Connection = query) => connection.withTables<InstanceTables>()
  return {
    async find(instanceId: string, connection?: Connection): Promise<StoredPassphrase | undefined> {
      return await tables(connection)
        .selectFrom('passphrases')
        .select(['hash', 'salt', 'iterations', 'hint'])
        .where('instance_id', '=', instanceId)
        .executeTakeFirst()
    },

    async put(instanceId: string, { changedAt, ...passphrase }: NewPassphrase, connection?: Connection): Promise<void> {
      const row = { ...passphrase, changed_at: changedAt }
      await tables(connection)
        .insertInto('passphrases')
        .values({ instance_id: instanceId, ...row })
        .onConflict(conflict => conflict.column('instance_id').doUpdateSet(row))
        .execute()
    },

    /** Puts another hash where that one is: the same passphrase, derived by the client from now on. */
    async migrate(instanceId: string, from: string, to: { hash: string; iterations: number }): Promise<void> {
      await tables()
        .updateTable('passphrases')
        .set(to)
        .where('instance_id', '=', instanceId)
        .where('hash', '=', from)
        .execute()
    },

    /** @returns false when no passphrase is defined */
    async setHint(instanceId: string, hint: string | null): Promise<boolean> {
      const result = await tables()
        .updateTable('passphrases')
        .set({ hint })
        .where('instance_id', '=', instanceId)
        .executeTakeFirst()
      return result.numUpdatedRows > 0n
    },

    /** Uses the token of the first passphrase up. @returns whether it was the right one, and not used yet */
    async useRegisterToken(instanceId: string, hash: Buffer, connection: Connection): Promise<boolean> {
      const result = await tables(connection)
        .updateTable('instances')
        .set({ register_token_hash: null, onboarding_finished: true })
        .where('instance_id', '=', instanceId)
        .where('register_token_hash', '=', hash)
        .executeTakeFirst()
      return result.numUpdatedRows > 0n
    },
  }
}
