import { createHash } from 'node:crypto'
import type { Query } from '#ground/database/index'

type Tables = {
  account_flows: {
    instance_id: string
    state_hash: Buffer
    account_type: string
    session_id: string
    details: string
    expires_at: Date
  }
}

export interface FlowRow {
  instanceId: string
  accountType: string
  sessionId: string
  /** Sealed. */
  details: string
  expiresAt: Date
}

const hashOf = (state: string) => createHash('sha256').update(state).digest()

/** The table of browsers on their way. */
export function createFlowStore(query: Query) {
  const tables = query.withTables<Tables>()
  return {
    /** Also clears away what the instance's browsers never came back for. */
    async put(
      state: string,
      { instanceId, accountType, sessionId, details, expiresAt }: FlowRow,
      now: Date,
    ): Promise<void> {
      await tables
        .deleteFrom('account_flows')
        .where('instance_id', '=', instanceId)
        .where('expires_at', '<', now)
        .execute()
      await tables
        .insertInto('account_flows')
        .values({
          instance_id: instanceId,
          state_hash: hashOf(state),
          account_type: accountType,
          session_id: sessionId,
          details,
          expires_at: expiresAt,
        })
        .execute()
    },
    /** Takes it out: of two that come with one state, one gets it. */
    async take(instanceId: string, state: string): Promise<FlowRow | undefined> {
      const row = await tables
        .deleteFrom('account_flows')
        .where('instance_id', '=', instanceId)
        .where('state_hash', '=', hashOf(state))
        .returningAll()
        .executeTakeFirst()
      return (
        row && {
          instanceId: row.instance_id,
          accountType: row.account_type,
          sessionId: row.session_id,
          details: row.details,
          expiresAt: row.expires_at,
        }
      )
    },
    /** Whose state this is. */
    async instanceOf(state: string): Promise<string | undefined> {
      const row = await tables
        .selectFrom('account_flows')
        .where('state_hash', '=', hashOf(state))
        .select('instance_id')
        .executeTakeFirst()
      return row?.instance_id
    },
  }
}

export type FlowStore = ReturnType<typeof createFlowStore>
