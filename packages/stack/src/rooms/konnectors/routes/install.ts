import { z } from 'zod'
import { type Answer, jsonApi } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import { eventStream } from '../event-stream.ts'
import type { Installer } from '../install.ts'
import { readParameters } from '../install-request.ts'
import type { MayInstall } from '../may-install.ts'
import { presentKonnector, presentStage } from '../present.ts'
import type { Progress } from '../progress.ts'
import { asWireError } from '../source/offer.ts'
import { defaultSource } from '../source/parse.ts'
import type { Uninstall } from '../uninstall.ts'

export interface InstallRoutesDeps {
  installer: Installer
  uninstall: Uninstall['uninstall']
  mayInstall: MayInstall
  stillMs: number | undefined
}

const INSIDE = { inside: 'a rule on all konnectors, and a token that may install (the store, the operator)' }

/** Installing, updating and uninstalling (`protocol/konnectors-api.md` §2). Bodies are ignored: clients send their headers there. */
export function installRoutes({ installer, uninstall, mayInstall, stillMs }: InstallRoutesDeps): Route[] {
  const answer = async (progress: Progress, accept: string | undefined): Promise<Answer> => {
    if (accept === 'text/event-stream') return eventStream(progress, stillMs)
    try {
      return jsonApi({ data: presentStage(await progress.begun) }, 202)
    } catch (error) {
      throw asWireError(error)
    }
  }
  return [
    route<{ slug: string }, z.infer<typeof installQuery>>({
      method: 'POST',
      path: '/konnectors/:slug',
      summary: 'Installs a konnector; with `Accept: text/event-stream` tells each state',
      family: 'json-api',
      permission: INSIDE,
      evenWhenBlocked: true,
      query: installQuery,
      async handle({ params: { slug }, query, headers, ...request }) {
        const source = query.Source || defaultSource(slug)
        await mayInstall(request, 'POST', source)
        const parameters = readParameters(query.Parameters)
        const deactivated = query.Deactivated === 'true'
        return answer(
          await installer.install(request.tenant, { slug, source, parameters, deactivated }),
          headers.accept,
        )
      },
    }),
    route<{ slug: string }, z.infer<typeof updateQuery>>({
      method: 'PUT',
      path: '/konnectors/:slug',
      summary: 'Updates a konnector; what asks for other permissions waits for `PermissionsAcked=true`',
      family: 'json-api',
      permission: INSIDE,
      evenWhenBlocked: true,
      query: updateQuery,
      async handle({ params: { slug }, query, headers, ...request }) {
        const source = query.Source || undefined
        await mayInstall(request, 'POST', source)
        const parameters = readParameters(query.Parameters)
        const permissionsAcked = query.PermissionsAcked === 'true'
        return answer(
          await installer.update(request.tenant, { slug, source, parameters, permissionsAcked }),
          headers.accept,
        )
      },
    }),
    route<{ slug: string }>({
      method: 'DELETE',
      path: '/konnectors/:slug',
      summary: 'Uninstalls a konnector; 202 while its accounts are being cleaned',
      family: 'json-api',
      permission: INSIDE,
      evenWhenBlocked: true,
      async handle({ params: { slug }, ...request }) {
        await mayInstall(request, 'DELETE', undefined)
        const { konnector, gone } = await uninstall(request.tenant, slug)
        return jsonApi({ data: presentKonnector(konnector) }, gone ? 200 : 202)
      },
    }),
  ]
}

const installQuery = z.object({
  Source: z.string().optional(),
  Parameters: z.string().optional(),
  Deactivated: z.string().optional(),
})
const updateQuery = z.object({
  Source: z.string().optional(),
  Parameters: z.string().optional(),
  PermissionsAcked: z.string().optional(),
})
