import { z } from 'zod'
import { jsonText } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import { hasInternals } from '../document-text.ts'
import { assertFields, foundJson, type Mango } from '../mango/index.ts'

/** What the routes of Mango need of the rest of the room. */
export interface MangoRouteRules {
  /** @throws HttpError 403 for doctypes that nobody reads here */
  assertReadable(doctype: string): void
}

const params = z.object({ doctype: z.string() })

/** `POST /data/:doctype/_find` (`protocol/data.md` §5). */
export function findRoutes(mango: Mango, { assertReadable }: MangoRouteRules): Route[] {
  return [
    route({
      method: 'POST',
      path: '/data/:doctype/_find',
      summary: 'Documents that match a Mango selector',
      family: 'data',
      permission: { inside: 'GET on the whole doctype, once the doctype is known to be readable' },
      params,
      body: { json: z.unknown() },
      async handle({ tenant, params: { doctype }, body, allow }) {
        assertReadable(doctype)
        allow.whole('GET', doctype)
        // What never goes out is not to be found out by asking, either.
        if (hasInternals(doctype)) assertFields(body, name => !name.startsWith('internal_'))
        return jsonText(foundJson(await mango.find(tenant, doctype, body)))
      },
    }),
  ]
}
