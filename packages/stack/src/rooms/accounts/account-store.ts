import { sql } from 'kysely'
import type { Query } from '#ground/database/index'
import { storableJson } from '#ground/documents/index'
import { ACCOUNTS } from './account.ts'

/** The only statements of this room on documents that are not by id. */
export function createAccountStore(query: Query) {
  return {
    /** The account of a type with this connection at an aggregator, the oldest when there are several. */
    async withConnection(instanceId: string, type: string, connectionId: string): Promise<string | undefined> {
      const wanted = storableJson({ account_type: type, oauth: { query: { connection_id: [connectionId] } } })
      const { rows } = await sql<{ id: string }>`
        select id from konnectory.docs
         where instance_id = ${instanceId} and doctype = ${ACCOUNTS} and not deleted and doc @> ${wanted}::jsonb
         order by seq limit 1`.execute(query)
      return rows[0]?.id
    },
  }
}

export type AccountStore = ReturnType<typeof createAccountStore>
