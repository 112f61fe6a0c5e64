import type { RunSql } from '#ground/documents/sql'
import { restoredJson, storableJson } from '#ground/documents/unstorable-text'

export async function shelve(
  run: RunSql,
  tenantId: string,
  id: string,
  metadata: Record<string, unknown>,
  expiresAt: Date,
): Promise<void> {
  await run('insert into files_metadata_shelf (instance_id, id, metadata, expires_at) values ($1, $2, $3, $4)', [
    tenantId,
    id,
    storableJson(metadata),
    expiresAt,
  ])
}

export async function readShelf(
  run: RunSql,
  tenantId: string,
  id: string,
  now: Date,
): Promise<Record<string, unknown> | undefined> {
  const rows = await run<{ text: string }>(
    `select metadata::text as text from files_metadata_shelf where instance_id = $1 and id = $2 and expires_at > $3`,
    [tenantId, id, now],
  )
  return rows[0] && JSON.parse(restoredJson(rows[0].text))
}

/** Of all instances. */
export async function clearShelf(run: RunSql, now: Date): Promise<void> {
  await run('delete from files_metadata_shelf where expires_at <= $1', [now])
}
