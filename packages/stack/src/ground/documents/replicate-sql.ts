import type { StoredDocument } from './contract.ts'
import { byIds } from './document-sql.ts'
import type { Branch } from './revision-tree.ts'
import type { RunSql } from './sql.ts'
import { type DocumentRow, storedDocument } from './stored.ts'
import { storableJson } from './unstorable-text.ts'

/** A branch with the content at its end. */
export interface Leaf extends Branch {
  document: StoredDocument
}

const OF = 'instance_id = $1 and doctype = $2'

interface BranchRow {
  id: string
  generation: number
  deleted: boolean
  history: string[]
}

/** Trees with contents, winner first; ids without any are absent. Of one moment, being one statement. */
export async function readLeaves(
  run: RunSql,
  tenantId: string,
  doctype: string,
  ids: string[],
): Promise<Map<string, [Leaf, ...Leaf[]]>> {
  if (ids.length === 0) return new Map()
  const rows = await run<DocumentRow & BranchRow>(
    `select id, rev, generation, deleted, seq, history, doc::text as text, 0 as place
       ${byIds('id, rev, generation, deleted, seq, history, doc')}
     union all
     select id, rev, generation, deleted, 0, history, doc::text, 1 from leaves where ${OF} and id = any($3)
     order by place`,
    [tenantId, doctype, ids],
  )
  const trees = new Map<string, [Leaf, ...Leaf[]]>()
  for (const row of rows) {
    const { id, generation, deleted, history } = row
    const leaf = { generation, deleted, history, document: storedDocument(doctype, row) }
    const tree = trees.get(id)
    if (tree) tree.push(leaf)
    else trees.set(id, [leaf])
  }
  return trees
}

/** Trees without contents; ids without any are absent. */
export async function readBranches(
  run: RunSql,
  tenantId: string,
  doctype: string,
  ids: string[],
): Promise<Map<string, Branch[]>> {
  const rows = await run<BranchRow>(
    `select id, generation, deleted, history ${byIds('id, generation, deleted, history')}
     union all select id, generation, deleted, history from leaves where ${OF} and id = any($3)`,
    [tenantId, doctype, ids],
  )
  return Map.groupBy(rows, ({ id }) => id)
}

/** Revisions that lost, best first. */
export interface LosingRevision {
  rev: string
  deleted: boolean
}

/** The losing ends of documents; documents without a conflict are absent. */
export async function readLosers(
  run: RunSql,
  tenantId: string,
  doctype: string,
  ids: string[],
): Promise<Map<string, LosingRevision[]>> {
  const rows = await run<LosingRevision & { id: string }>(
    `select id, rev, deleted from leaves where ${OF} and id = any($3) order by id, deleted, generation desc, rev desc`,
    [tenantId, doctype, ids],
  )
  return Map.groupBy(rows, ({ id }) => id)
}

/** Takes losing ends of documents away, and adds others. */
export async function writeLosers(
  run: RunSql,
  tenantId: string,
  doctype: string,
  { gone, lost }: { gone: Leaf[]; lost: Leaf[] },
): Promise<void> {
  const ids = (leaves: Leaf[]) => leaves.map(({ document }) => document.id)
  const revs = (leaves: Leaf[]) => leaves.map(({ document }) => document.rev)
  if (gone.length > 0) {
    await run(
      `delete from leaves where ${OF} and id = any($3)
          and (id, rev) in (select u.id, u.rev from unnest($3::text[], $4::text[]) as u(id, rev))`,
      [tenantId, doctype, ids(gone), revs(gone)],
    )
  }
  if (lost.length === 0) return
  await run(
    `insert into leaves (instance_id, doctype, id, rev, generation, deleted, history, doc)
     select $1, $2, u.id, u.rev, u.generation, u.deleted, string_to_array(u.history, ' '), u.doc
       from unnest($3::text[], $4::text[], $5::integer[], $6::boolean[], $7::text[], $8::jsonb[])
            as u(id, rev, generation, deleted, history, doc)`,
    [
      tenantId,
      doctype,
      ids(lost),
      revs(lost),
      lost.map(({ generation }) => generation),
      lost.map(({ deleted }) => deleted),
      lost.map(({ history }) => history.join(' ')),
      lost.map(({ document }) => storableJson(document.body, document.text)),
    ],
  )
}
