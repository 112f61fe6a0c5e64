import { bytes } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import { PLACEHOLDER_PNG } from '../read/placeholder.ts'
import { wrongToken } from '../read/wrong-token.ts'
import type { ReadRouteDeps } from './deps.ts'

/** Thumbnails: there are none, and their routes say so in the way clients know (`protocol/files.md` §7). */
export function thumbnailRoutes({ reader }: ReadRouteDeps): Route[] {
  return [
    route<{ id: string; secret: string; format: string }>({
      method: 'GET',
      path: '/files/:id/thumbnails/:secret/:format',
      summary: 'A placeholder, with status 404: this server makes no thumbnails',
      family: 'json-api',
      permission: { public: 'the secret in the link was given to who may read the file, and dies after ten minutes' },
      async handle({ tenant, params: { id, secret } }) {
        if (!(await reader.secrets.verify(tenant, id, secret))) throw wrongToken()
        return bytes(PLACEHOLDER_PNG, { 'content-type': 'image/png', 'cache-control': 'no-store' }, 404)
      },
    }),
  ]
}
