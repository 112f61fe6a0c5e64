import type { Change, DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import { inTransaction, type RunSql } from '#ground/documents/sql'
import { FILES, TRASH_ID } from '../record.ts'

/** How many files and directories lie in a directory; the trash is not among the root's. */
export async function countChildren(run: RunSql, tenantId: string, directoryId: string): Promise<number> {
  const rows = await run<{ children: string }>(
    'select children from file_counts where instance_id = $1 and directory_id = $2',
    [tenantId, directoryId],
  )
  return Number(rows[0]?.children ?? 0)
}

/** Keeps the counts true to the documents; a listener of `Documents.onChange`, in the transaction of the change. */
export async function followCounts(changes: Change[], writer: DocumentTransaction): Promise<void> {
  const files = changes.filter(({ document }) => document.doctype === FILES)
  const run = inTransaction(writer.query)
  const steps = [...stepsOf(files)].filter(([, step]) => step !== 0)
  if (steps.length > 0) {
    await run(
      `insert into file_counts (instance_id, directory_id, children)
       select $1, u.directory, u.step from unnest($2::text[], $3::bigint[]) as u(directory, step)
       on conflict (instance_id, directory_id) do update set children = file_counts.children + excluded.children`,
      [writer.tenant.id, steps.map(([directory]) => directory), steps.map(([, step]) => step)],
    )
  }
  const gone = files.filter(({ document, before }) => document.deleted && before?.body.type === 'directory')
  if (gone.length > 0) {
    await run('delete from file_counts where instance_id = $1 and directory_id = any($2) and children = 0', [
      writer.tenant.id,
      gone.map(({ document }) => document.id),
    ])
  }
}

/** Directories whose count is not that of their children, a few of them; only damage makes them. */
export async function wrongCounts(run: RunSql, tenantId: string, limit: number): Promise<string[]> {
  const rows = await run<{ id: string }>(
    `select coalesce(counted.id, file_counts.directory_id) as id
       from (select doc ->> 'dir_id' as id, count(*) as children from docs
              where instance_id = $1 and doctype = '${FILES}' and not deleted and id <> '${TRASH_ID}'
                and doc ->> 'dir_id' <> ''
              group by 1) counted
       full join (select * from file_counts where instance_id = $1) file_counts on file_counts.directory_id = counted.id
      where coalesce(counted.children, 0) <> coalesce(file_counts.children, 0)
      order by 1 limit $2`,
    [tenantId, limit],
  )
  return rows.map(({ id }) => id)
}

function stepsOf(changes: Change[]): Map<string, number> {
  const steps = new Map<string, number>()
  const step = (document: StoredDocument | undefined, by: number) => {
    if (!document || document.deleted || document.id === TRASH_ID) return
    const directory = document.body.dir_id
    if (typeof directory === 'string' && directory !== '') steps.set(directory, (steps.get(directory) ?? 0) + by)
  }
  for (const { document, before } of changes) {
    step(before, -1)
    step(document, 1)
  }
  return steps
}
