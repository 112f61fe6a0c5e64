import type { StackEvent } from '@konnectory/standalone'
import { formatBytes, formatDuration, plural } from '../terminal/amounts.ts'
import type { Colours } from '../terminal/colours.ts'
import type { KonnectorRun } from './run-konnector.ts'
import type { StackRequest } from './stack-request.ts'

export interface DoctypeSummary {
  doctype: string
  created: number
  updated: number
  deleted: number
  /** Stored and left alone by this run. */
  unchanged: number
  /** Writes that the stack refused and that did not succeed later. */
  failed: number
}

export interface Summary {
  outcome: string
  doctypes: DoctypeSummary[]
  /** Files written, created or replaced. */
  files: number
  bytes: number
  /** Milliseconds. */
  duration: number
}

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
/** Routes that read by POST. */
const READS = /\/(?:_find|_all_docs|_index|_normal_docs|_changes)$/

/** Counts each document once: created and then updated in one run is new. */
export function summarise(run: KonnectorRun, outcome: string): Summary {
  const ids = new Map<string, Map<string, StackEvent['action']>>()
  let bytes = 0
  const written = new Set<string>()
  for (const event of run.events) {
    const [doctype, id] = event.kind === 'file' ? ['io.cozy.files', event.path] : [event.doctype, event.doc._id]
    if (event.kind === 'file') {
      if (event.file.type !== 'file') continue
      bytes += event.bytes
      if (event.action !== 'deleted' && event.bytes > 0) written.add(event.path)
    }
    if (doctype === 'io.cozy.accounts') continue
    const actions = ids.get(doctype) ?? new Map<string, StackEvent['action']>()
    ids.set(doctype, actions)
    const former = actions.get(id)
    if (former === 'created' && event.action === 'deleted') actions.delete(id)
    else if (former !== 'created') actions.set(id, event.action)
  }
  const failed = failedWrites(run.requests)
  const doctypes = [...new Set([...ids.keys(), ...failed.keys(), ...run.documents.keys()])].sort().map(doctype => {
    const actions = [...(ids.get(doctype)?.values() ?? [])]
    const count = (action: StackEvent['action']): number => actions.filter(found => found === action).length
    const [created, updated, deleted] = [count('created'), count('updated'), count('deleted')]
    const unchanged = Math.max(0, (run.documents.get(doctype) ?? 0) - created - updated)
    return { doctype, created, updated, deleted, unchanged, failed: failed.get(doctype) ?? 0 }
  })
  return { outcome, doctypes, files: written.size, bytes, duration: run.duration }
}

/** A conflict is normal: the client reads again and writes. */
function failedWrites(requests: StackRequest[]): Map<string, number> {
  const failed = new Map<string, number>()
  for (const { method, path, doctype, status } of requests) {
    if (!doctype || status < 400 || status === 404 || status === 409 || !WRITES.has(method) || READS.test(path))
      continue
    failed.set(doctype, (failed.get(doctype) ?? 0) + 1)
  }
  return failed
}

/** @returns the lines of the summary for people */
export function formatSummary(summary: Summary, colours: Colours): string[] {
  const lines = ['']
  for (const { doctype, created, updated, deleted, unchanged, failed } of summary.doctypes) {
    const parts = [
      created > 0 ? colours.green(`${created} new`) : `${created} new`,
      `${updated} updated`,
      `${unchanged} unchanged`,
      ...(deleted > 0 ? [`${deleted} deleted`] : []),
      failed > 0 ? colours.red(`${failed} failed`) : '0 failed',
    ]
    lines.push(`  ${doctype.padEnd(24)} ${parts.join(', ')}`)
  }
  if (summary.doctypes.length === 0) lines.push('  Nothing was saved.')
  const amount = summary.files > 0 ? `${plural(summary.files, 'file')}, ${formatBytes(summary.bytes)}, ` : ''
  const ended = summary.outcome === 'done' ? colours.green('Done') : colours.red(`Ended with ${summary.outcome}`)
  lines.push('', `${ended}: ${amount}${formatDuration(summary.duration)}`)
  return lines
}
