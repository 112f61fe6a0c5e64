import { sql } from 'kysely'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import { digest, newSecret } from './secrets.ts'

/** What a code was given for. */
export interface Authorisation {
  clientId: string
  redirectUri: string
  scope: string
  /** PKCE, S256. */
  challenge: string | undefined
}

/** RFC 6749 §4.1.2 recommends no more; upstream's codes never expire. */
export const CODE_LIFE_MS = 10 * 60_000

/** Access codes: each is good once, for one client, for ten minutes. */
export function createCodes({ database, clock }: Pick<Ground, 'database' | 'clock'>) {
  return {
    /** @returns the code, which is kept nowhere */
    async issue(tenant: Tenant, { clientId, redirectUri, scope, challenge }: Authorisation): Promise<string> {
      const code = newSecret()
      const expiresAt = new Date(clock.now().getTime() + CODE_LIFE_MS)
      await sql`insert into oauth_codes (instance_id, code_hash, client_id, redirect_uri, scope, challenge, expires_at)
        values (${tenant.id}, ${digest(code)}, ${clientId}, ${redirectUri}, ${scope}, ${challenge ?? null}, ${expiresAt})
      `.execute(database.query)
      return code
    },

    /**
     * Takes the code out, so that of two who bring it one gets it. Another client's code stays where it is: whoever overheard
     * it cannot even spoil it.
     * @returns undefined for a code that is unknown, used, expired, or another client's
     */
    async redeem(tenant: Tenant, clientId: string, code: string): Promise<Authorisation | undefined> {
      const { rows } = await sql<{ redirect_uri: string; scope: string; challenge: string | null; expires_at: Date }>`
        delete from oauth_codes
        where instance_id = ${tenant.id} and code_hash = ${digest(code)} and client_id = ${clientId}
        returning redirect_uri, scope, challenge, expires_at`.execute(database.query)
      const row = rows[0]
      if (!row || row.expires_at <= clock.now()) return undefined
      return { clientId, redirectUri: row.redirect_uri, scope: row.scope, challenge: row.challenge ?? undefined }
    },

    /** Of all instances. @returns how many there were */
    async removeExpired(): Promise<number> {
      const { numAffectedRows } = await sql`delete from oauth_codes where expires_at <= ${clock.now()}`.execute(
        database.query,
      )
      return Number(numAffectedRows ?? 0)
    },
  }
}

export type Codes = ReturnType<typeof createCodes>
