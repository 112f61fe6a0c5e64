import { z } from 'zod'
import { json } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import type { Mango } from '../mango/index.ts'
import type { MangoRouteRules } from './find.ts'

/** `POST /data/:doctype/_index` (`protocol/data.md` §5). Reading is enough to define an index: it changes no document. */
export function indexRoutes({ designDocuments }: Mango, { assertReadable }: MangoRouteRules): Route[] {
  return [
    route({
      method: 'POST',
      path: '/data/:doctype/_index',
      summary: 'Defines a Mango index',
      family: 'data',
      permission: { inside: 'GET on the whole doctype, once the doctype is known to be readable' },
      params: z.object({ doctype: z.string() }),
      body: { json: z.unknown() },
      async handle({ tenant, params: { doctype }, body, allow }) {
        assertReadable(doctype)
        allow.whole('GET', doctype)
        return json(await designDocuments.define(tenant, doctype, body))
      },
    }),
  ]
}
