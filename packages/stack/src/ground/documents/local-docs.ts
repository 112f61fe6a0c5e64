import { CouchError } from '../http/errors.ts'
import type { Body } from './contract.ts'
import { LONGEST_ID } from './identifiers.ts'
import type { RunSql } from './sql.ts'
import { restoredJson, storableJson } from './unstorable-text.ts'

/** A checkpoint of a replication, `_local/<id>`: in no list, in no feed, without a history. */
export interface LocalDocument {
  /** `0-<version>`. */
  rev: string
  /** JSON of an object without `_id` and `_rev`. */
  text: string
}

const OF = 'instance_id = $1 and doctype = $2 and id = $3'
/** Of a doctype of an instance: a replicator needs one. They are written by who can only read, and count in no quota. */
const MOST = 1000

/** Whether an id (without `_local/`) can be stored. */
export const isLocalId = (id: string): boolean =>
  id !== '' && Buffer.byteLength(id) <= LONGEST_ID && !/\0|\p{Surrogate}/u.test(id)

/** @returns undefined when there is none */
export async function readLocal(
  run: RunSql,
  tenantId: string,
  doctype: string,
  id: string,
): Promise<LocalDocument | undefined> {
  const [row] = await run<{ version: number; text: string }>(
    `select version, doc::text as text from local_docs where ${OF}`,
    [tenantId, doctype, id],
  )
  return row && { rev: `0-${row.version}`, text: restoredJson(row.text) }
}

/**
 * Writes a checkpoint.
 * @throws CouchError 403 for one more than there may be
 * @param rev the revision it replaces; undefined for a new one
 * @returns the new revision; undefined when another one is current, or there is one where a new one was meant
 */
export async function writeLocal(
  run: RunSql,
  tenantId: string,
  doctype: string,
  id: string,
  rev: string | undefined,
  body: Body,
): Promise<string | undefined> {
  const version = rev === undefined ? 0 : versionOf(rev)
  if (version === undefined) return undefined
  const [row] =
    version === 0
      ? await run<{ version: number }>(
          `insert into local_docs (instance_id, doctype, id, version, doc)
           select $1, $2, $3, 1, $4
            where (select count(*) from local_docs where instance_id = $1 and doctype = $2) < ${MOST}
           on conflict do nothing returning version`,
          [tenantId, doctype, id, storableJson(body)],
        )
      : await run<{ version: number }>(
          `update local_docs set version = version + 1, doc = $4 where ${OF} and version = $5 returning version`,
          [tenantId, doctype, id, storableJson(body), version],
        )
  if (!row && version === 0 && !(await readLocal(run, tenantId, doctype, id)))
    throw new CouchError(403, 'forbidden', `There are ${MOST} local documents of this doctype already`)
  return row && `0-${row.version}`
}

function versionOf(rev: string): number | undefined {
  const match = /^0-(\d{1,9})$/.exec(rev)
  return match ? Number(match[1]) : undefined
}
