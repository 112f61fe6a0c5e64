import { z } from 'zod'
import type { Body } from '#ground/documents/contract'
import { parseRevision } from '#ground/documents/index'
import { CouchError } from '#ground/http/errors'

/** A JSON object, as it came: schemas that copy would lose members called `__proto__`. */
export const jsonObject = z.custom<Body>(isObject, 'must be a JSON object')

export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A document as a client gave it. */
export interface GivenDocument {
  content: Body
  id: string | undefined
  rev: string | undefined
  deleted: boolean
  /** `_revisions`, not looked at. */
  revisions: unknown
  attachments: boolean
}

/** What readers get beside a document and may send back: dropped, as CouchDB does. `_type` is the stack's own. */
const DROPPED = new Set(['_type', '_conflicts', '_deleted_conflicts', '_revs_info', '_local_seq'])

/**
 * Takes the special members out of a document.
 * @param allowed which of `_id _rev _deleted _revisions` may stand in it
 * @throws CouchError 400 `doc_validation` for any other member beginning with `_`, and for wrong types
 */
export function readDocument(given: Body, allowed: string[]): GivenDocument {
  const content: Body = {}
  let attachments = false
  for (const name of Object.keys(given)) {
    if (!name.startsWith('_')) content[name] = given[name]
    else if (name === '_attachments') attachments = hasMembers(given[name])
    else if (!DROPPED.has(name) && !allowed.includes(name)) throw invalid(`Bad special document member: ${name}`)
  }
  const { _id: id, _rev: rev, _deleted: deleted = false, _revisions: revisions } = given
  if (id !== undefined && typeof id !== 'string') throw invalid('_id must be a text')
  if (rev !== undefined && typeof rev !== 'string') throw invalid('_rev must be a text')
  if (typeof deleted !== 'boolean') throw invalid('_deleted must be true or false')
  return { content, id, rev, deleted, revisions, attachments }
}

/** Why a document with attachments is refused. */
export const NO_ATTACHMENTS = 'Attachments are not kept here; save the content as a file (io.cozy.files)'

/** @throws CouchError 400 for a document that brings attachments */
export function refuseAttachments({ attachments }: GivenDocument): void {
  if (attachments) throw invalid(NO_ATTACHMENTS)
}

/** @throws CouchError 400 `bad_request` for a text that is no revision */
export function assertRevision(rev: string): void {
  if (!parseRevision(rev)) throw new CouchError(400, 'bad_request', 'Invalid rev format')
}

export const invalid = (reason: string) => new CouchError(400, 'doc_validation', reason)

function hasMembers(value: unknown): boolean {
  if (value === undefined || value === null) return false
  if (!isObject(value)) throw invalid('_attachments must be an object')
  return Object.keys(value).length > 0
}
