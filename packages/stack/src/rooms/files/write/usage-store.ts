import type { RunSql } from '#ground/documents/sql'

/** Bytes an instance uses. Trashed files count: their content is still there. */
export interface Usage {
  files: number
  versions: number
}

export async function readUsage(run: RunSql, tenantId: string): Promise<Usage> {
  const rows = await run<{ files: string; versions: string }>(
    'select files, versions from files_usage where instance_id = $1',
    [tenantId],
  )
  return { files: Number(rows[0]?.files ?? 0), versions: Number(rows[0]?.versions ?? 0) }
}

export async function addUsage(run: RunSql, tenantId: string, { files, versions }: Usage): Promise<void> {
  await run(
    `insert into files_usage (instance_id, files, versions) values ($1, $2, $3)
     on conflict (instance_id) do update
       set files = files_usage.files + excluded.files, versions = files_usage.versions + excluded.versions`,
    [tenantId, files, versions],
  )
}
