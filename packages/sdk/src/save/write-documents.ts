import { type BulkResult, isStatus, type StackClient, StackError } from '@konnectory/client'
import type { Document, Stored } from '@konnectory/protocol'
import { asJson } from './qualification.ts'

/** Documents per `_bulk_docs` request. */
export const BULK_SIZE = 1000

/** Some documents were not written. Everything else was: it is in `saved`. */
export class WriteError extends Error {
  override name = 'WriteError'
  readonly saved: Stored[]
  readonly failed: { doc: Document; error: string; reason: string }[]
  /** 409 when all that failed were conflicts. */
  readonly status: number | undefined

  constructor(doctype: string, saved: Stored[], failed: WriteError['failed']) {
    const first = failed[0]
    super(
      `${failed.length} of ${saved.length + failed.length} documents of ${doctype} could not be written` +
        (first ? `: ${first.error} (${first.reason})` : ''),
    )
    this.saved = saved
    this.failed = failed
    this.status = failed.every(({ error }) => error === 'conflict') ? 409 : undefined
  }
}

/**
 * Creates the documents without `_id` and updates the others (which need their `_rev`), 1,000 per request.
 * A document that somebody else changed meanwhile is read again and written once more, our attributes over theirs.
 * @returns the stored documents, in order, as the stack holds them (dates as ISO text)
 * @throws WriteError naming what was not written and what was; StackError when a whole request is refused
 */
export async function writeDocuments(
  client: StackClient,
  doctype: string,
  docs: readonly Document[],
): Promise<Stored[]> {
  const saved: Stored[] = []
  const failed: WriteError['failed'] = []
  for (let start = 0; start < docs.length; start += BULK_SIZE) {
    const batch = docs.slice(start, start + BULK_SIZE).map(({ _type, ...doc }): Document => asJson(doc))
    try {
      for (const result of await writeBatch(client, doctype, batch)) {
        if (result.stored) saved.push(result.stored)
        else failed.push(result.failed)
      }
    } catch (error) {
      // What earlier batches wrote must not be forgotten.
      if (saved.length + failed.length === 0) throw error
      const reason = (error as Error).message
      const rest = docs.slice(start).map(doc => ({ doc, error: 'refused', reason }))
      throw new WriteError(doctype, saved, [...failed, ...rest])
    }
  }
  if (failed.length > 0) throw new WriteError(doctype, saved, failed)
  return saved
}

type Outcome = { stored: Stored } | { stored?: undefined; failed: WriteError['failed'][number] }

async function writeBatch(client: StackClient, doctype: string, docs: Document[]): Promise<Outcome[]> {
  // One document needs no bulk. Accounts are encrypted by the single-document routes only (`protocol/data.md` section 6).
  if (docs.length === 1 || doctype === 'io.cozy.accounts') return writeSingly(client, doctype, docs)
  let results: BulkResult[]
  try {
    results = await client.data.bulk(doctype, docs)
  } catch (error) {
    // A permission narrower than the whole doctype allows single documents only.
    if (isStatus(error, 403)) return writeSingly(client, doctype, docs)
    throw error
  }
  const outcomes: Outcome[] = []
  for (const [index, doc] of docs.entries()) {
    const result = results[index]
    if (result?.rev && !result.error)
      outcomes.push({ stored: { ...doc, _id: result.id, _rev: result.rev, _type: doctype } })
    else if (result?.error === 'conflict' && doc._id) outcomes.push(await writeAgain(client, doctype, doc))
    else outcomes.push({ failed: { doc, error: result?.error ?? 'no answer', reason: result?.reason ?? '' } })
  }
  return outcomes
}

async function writeSingly(client: StackClient, doctype: string, docs: Document[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const doc of docs) {
    try {
      const stored = doc._id ? await client.data.update(doctype, doc) : await client.data.create(doctype, doc)
      outcomes.push({ stored: stored as Stored })
    } catch (error) {
      if (isStatus(error, 409) && doc._id) outcomes.push(await writeAgain(client, doctype, doc))
      else if (docs.length === 1) throw error
      else outcomes.push({ failed: { doc, ...describe(error) } })
    }
  }
  return outcomes
}

async function writeAgain(client: StackClient, doctype: string, doc: Document): Promise<Outcome> {
  try {
    const current = await client.data.get(doctype, doc._id as string)
    return { stored: (await client.data.update(doctype, { ...current, ...doc, _rev: current._rev })) as Stored }
  } catch (error) {
    return { failed: { doc, ...describe(error) } }
  }
}

function describe(error: unknown): { error: string; reason: string } {
  const { error: word, reason } = (error instanceof StackError ? error.reason : {}) as {
    error?: string
    reason?: string
  }
  return { error: word ?? 'error', reason: reason ?? (error as Error).message }
}
