import type { IncomingHttpHeaders } from 'node:http'
import { DatabaseUnavailable, StatementTimeout, TransactionConflict, UnstorableText } from '../database/index.ts'
import { type Answer, JSON_API_TYPE, json, page, plainText } from './answer.ts'
import { badRequest, CouchError, HttpError, JsonApiError, ShapedError, WireError } from './errors.ts'
import type { Family } from './route.ts'

/**
 * An error as the answer of a route's family (`protocol/conventions.md` §4, `protocol/data.md` §2). What is no error of ours
 * becomes a 500 that shows nothing of its inside.
 */
export function renderError(error: unknown, family: Family, headers: IncomingHttpHeaders): Answer {
  const wire = asWireError(error)
  const answer = shape(wire, family, headers)
  return { ...answer, headers: { ...answer.headers, ...wire.headers } }
}

/** Whether an error is the caller's, or told apart on purpose; others belong in the log. */
export const isExpected = (error: unknown): boolean => error instanceof WireError || error instanceof UnstorableText

function asWireError(error: unknown): WireError {
  if (error instanceof WireError) return error
  // cozy-client creates an index when it reads this text.
  if (error instanceof StatementTimeout) return new JsonApiError(500, 'Unqualified error', 'context deadline exceeded')
  // The last net for what a route lets through: names in paths, parameters, members of bodies.
  if (error instanceof UnstorableText) return badRequest('a text holds the character U+0000')
  // After all its retries: others were in the way, nothing was written.
  if (error instanceof TransactionConflict)
    return new HttpError(503, 'Too many changes at once; try again', { 'retry-after': '1' })
  if (error instanceof DatabaseUnavailable)
    return new HttpError(503, 'The database does not answer; try again', { 'retry-after': '1' })
  return new JsonApiError(500, 'Unqualified error', 'Internal server error')
}

function shape(error: WireError, family: Family, headers: IncomingHttpHeaders): Answer {
  const { status } = error
  if (error instanceof ShapedError)
    return typeof error.body === 'string' ? page(error.body, status) : json(error.body as object, status)
  if (family === 'data') return json(dataBody(error), status)
  if (error instanceof HttpError || family === 'page' || family === 'oauth' || family === 'plain')
    return bare(error, family, headers)
  return { status, headers: { 'content-type': JSON_API_TYPE }, body: { errors: [jsonApiObject(error)] } }
}

function dataBody(error: WireError): object {
  if (error instanceof CouchError)
    return { ok: false, status: String(error.status), error: error.error, reason: error.reason }
  if (error instanceof JsonApiError)
    return { error: error.status >= 500 ? error.message : `${error.title}(${error.status}): ${error.message}` }
  return { error: `code=${error.status}, message=${error.message}` }
}

function jsonApiObject(error: WireError): object {
  const status = String(error.status)
  if (error instanceof CouchError) return { status, title: error.error, detail: error.reason, source: {} }
  if (error instanceof JsonApiError) {
    const { title, message, source, code } = error
    return { status, title, ...(code && { code }), detail: message, source }
  }
  return { status, title: error.message, detail: error.message, source: {} }
}

/** By `Accept`. JSON also for `vnd.api+json`, where upstream sends plain text: clients parse by the content type of the answer. */
function bare({ status, message }: WireError, family: Family, { accept = '' }: IncomingHttpHeaders): Answer {
  const wantsPage = accept.includes('text/html')
  if (/application\/(vnd\.api\+)?json/.test(accept) || (family !== 'page' && !wantsPage && accept.includes('*/*')))
    return json({ error: message }, status)
  if (wantsPage || family === 'page') return page(errorPage(status, message), status)
  return plainText(message, status)
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** A text for HTML, in elements and in quoted attributes. */
export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, char => ENTITIES[char]!)

const errorPage = (status: number, message: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${status}</title><h1>${escapeHtml(message)}</h1></html>`
