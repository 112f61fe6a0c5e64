import { z } from 'zod'
import { jsonApi } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import { presentEntry } from '../present.ts'
import { cannotBe, toEntry } from '../read/tree-store.ts'
import { FILES } from '../record.ts'
import type { ReadRouteDeps } from './deps.ts'

/** As many documents as an answer may hold in memory. */
const MOST_KEYS = 10_000

const keysBody = z.object({ keys: z.array(z.string()).max(MOST_KEYS) })

/** `POST /files/_all_docs`: entries by their ids, in that order; unknown and destroyed ones are left out. */
export function listRoutes({ ground, reader }: ReadRouteDeps): Route[] {
  return [
    route<unknown, unknown, z.infer<typeof keysBody>>({
      method: 'POST',
      path: '/files/_all_docs',
      summary: 'Files and directories by their ids, with their paths',
      family: 'json-api',
      permission: { whole: 'GET', of: FILES },
      body: { json: keysBody },
      async handle({ tenant, body: { keys } }) {
        const found = await ground.documents.of(tenant).getMany(
          FILES,
          keys.filter(key => !cannotBe(key)),
        )
        const entries = found.flatMap(document => (document && !document.deleted ? [toEntry(document)] : []))
        const [paths, sign] = await Promise.all([reader.pathsOf(tenant, entries), reader.secrets.signer(tenant)])
        const data = entries.map(entry => presentEntry(entry, { sign, path: paths.get(entry._id) }))
        return jsonApi({ data, meta: { count: data.length } })
      },
    }),
  ]
}
