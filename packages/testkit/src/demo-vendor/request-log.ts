/** One request as the vendor saw it. `status` is 0 until answered, and for hung or broken connections. */
export interface RequestRecord {
  readonly at: Date
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  status: number
  /** Bytes of the answer's body as sent. */
  bytes: number
}

/** True when `path` matches `pattern`, in which `*` stands for any characters. */
export function matchesPath(pattern: string, path: string): boolean {
  const source = pattern
    .split('*')
    .map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${source}$`).test(path)
}

export function countRequests(records: readonly RequestRecord[], method: string, path: string): number {
  return records.filter(record => (method === '*' || record.method === method) && matchesPath(path, record.path)).length
}
