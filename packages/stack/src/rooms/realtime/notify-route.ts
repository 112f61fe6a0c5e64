import { z } from 'zod'
import type { Ground } from '#ground/ground'
import { noContent } from '#ground/http/answer'
import { badRequest, HttpError } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { assertDoctype, isReadable } from '#rooms/data'
import { isPublic } from './event-text.ts'

/** `POST /realtime/:doctype/:id` (`protocol/realtime.md` §6): tells listeners something that is stored nowhere. */
export const notifyRoute = ({ news }: Pick<Ground, 'news'>): Route =>
  route({
    method: 'POST',
    path: '/realtime/:doctype/:id',
    summary: 'Notifies whoever listens to a document',
    family: 'json-api',
    permission: { inside: 'POST on the document, by its id: what is in the body is up to the caller' },
    params: z.object({ doctype: z.string(), id: z.string().min(1).max(1024) }),
    body: { json: z.record(z.string(), z.unknown()), optional: true },
    bodyLimit: 256 * 1024,
    handle({ tenant, params: { doctype, id }, body, headers, allow }) {
      if (!/^application\/([\w.+-]+\+)?json\b/i.test(headers['content-type'] ?? '')) {
        throw new HttpError(415, 'The body must be JSON, and say so')
      }
      assertOpen(doctype)
      allow.id('POST', doctype, id)
      if (!body) throw badRequest('JSON input is malformed or is missing mandatory fields')
      news.publish([{ tenant, verb: 'NOTIFIED', doctype, id, doc: { ...body, _id: id } }])
      return noContent()
    },
  })

/** @throws JsonApiError 400 for doctypes whose events are the server's alone */
function assertOpen(doctype: string): void {
  try {
    assertDoctype(doctype)
  } catch {
    throw badRequest(`${doctype} is not a valid doctype name`)
  }
  if (!isReadable(doctype) || !isPublic(doctype)) throw badRequest(`${doctype} is a reserved doctype`)
}
