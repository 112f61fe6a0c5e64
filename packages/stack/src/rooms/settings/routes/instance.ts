import { z } from 'zod'
import { badRequest } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Instance } from '#rooms/instances'
import { SETTINGS, settingsAnswer } from '../document.ts'
import type { createInstanceSettings } from '../instance-settings.ts'

const replacement = z.object({
  data: z.object({
    meta: z.looseObject({ rev: z.string().optional() }).optional(),
    attributes: z.record(z.string(), z.unknown()),
  }),
})

/** `/settings/instance` (`protocol/settings.md` §1). */
export function instanceRoutes(settings: ReturnType<typeof createInstanceSettings>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/settings/instance',
      summary: 'The settings of the instance',
      family: 'json-api',
      permission: { token: 'every app needs the locale and the name' },
      evenWhenBlocked: true,
      async handle({ tenant }) {
        const { attributes, rev } = await settings.get(tenant as Instance)
        return settingsAnswer('instance', attributes, rev === undefined ? {} : { rev })
      },
    }),
    route({
      method: 'PUT',
      path: '/settings/instance',
      summary: 'Replaces the settings of the instance',
      family: 'json-api',
      permission: { inside: 'PUT on the settings document' },
      evenWhenBlocked: true,
      body: { json: z.unknown() },
      async handle({ tenant, actor, allow, body }) {
        const parsed = replacement.safeParse(body)
        if (!parsed.success) throw badRequest('JSON input is malformed or is missing mandatory fields')
        allow.id('PUT', SETTINGS, `${SETTINGS}.instance`)
        const { attributes, meta } = parsed.data.data
        const fresh = await settings.replace(tenant as Instance, actor, { attributes, rev: meta?.rev })
        return settingsAnswer('instance', fresh.attributes, fresh.rev === undefined ? {} : { rev: fresh.rev })
      },
    }),
  ]
}
