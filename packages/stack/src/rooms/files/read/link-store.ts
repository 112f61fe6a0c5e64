import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '#ground/clock'
import type { RunSql } from '#ground/documents/sql'

/** What a secret link opens (`protocol/files.md` §7). */
export type LinkTarget =
  | { kind: 'file'; id: string; filename: string }
  | { kind: 'version'; id: string; version: string; filename: string }
  | { kind: 'archive'; name: string; ids: string[] }

export interface Links {
  /** @returns the secret; it is not kept, only its digest */
  create(tenantId: string, target: LinkTarget): Promise<string>
  /** Undefined for a wrong or expired secret. */
  find(tenantId: string, secret: string): Promise<LinkTarget | undefined>
}

const VALID_MS = 10 * 60_000
const SECRET = /^(v-)?[0-9a-f]{32}$/

const digestOf = (secret: string) => createHash('sha256').update(secret).digest()

/** Links in the database: any process of the server opens them, and after a restart they are still good. */
export function createLinks(run: RunSql, clock: Clock): Links {
  return {
    async create(tenantId, target) {
      const secret = `${target.kind === 'version' ? 'v-' : ''}${randomBytes(16).toString('hex')}`
      const now = clock.now()
      // Whoever makes a link takes the tenant's dead ones away: there is never more than ten minutes' worth.
      await run(
        `with dead as (delete from file_links where instance_id = $1 and expires_at < $4)
         insert into file_links (instance_id, digest, target, expires_at) values ($1, $2, $3, $5)`,
        [tenantId, digestOf(secret), JSON.stringify(target), now, new Date(now.getTime() + VALID_MS)],
      )
      return secret
    },
    async find(tenantId, secret) {
      if (!SECRET.test(secret)) return undefined
      const rows = await run<{ target: LinkTarget }>(
        'select target from file_links where instance_id = $1 and digest = $2 and expires_at >= $3',
        [tenantId, digestOf(secret), clock.now()],
      )
      return rows[0]?.target
    },
  }
}
