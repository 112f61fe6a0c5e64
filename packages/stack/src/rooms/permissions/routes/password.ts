import { z } from 'zod'
import { noContent } from '#ground/http/answer'
import { forbidden } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { PermissionRoom } from './room.ts'

/** The visitor of a share gives its password and gets a cookie for it (`protocol/auth.md` §7). */
export function passwordRoutes(room: PermissionRoom): Route[] {
  return [
    route({
      method: 'POST',
      path: '/auth/share-by-link/password',
      summary: 'Opens a share that has a password',
      family: 'plain',
      permission: { public: 'visitors of a share have no token before' },
      body: { form: z.object({ password: z.string(), perm_id: z.string() }) },
      bodyLimit: 16 * 1024,
      async handle({ tenant, body: { password, perm_id } }) {
        const cookie = await room.shares.unlock(tenant, perm_id, password)
        if (!cookie) throw forbidden('Wrong password')
        const secure = tenant.url.startsWith('https:') ? '; Secure' : ''
        return noContent({ 'set-cookie': `${cookie.name}=${cookie.value}; Path=/; HttpOnly; SameSite=Lax${secure}` })
      },
    }),
  ]
}
