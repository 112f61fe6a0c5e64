import { forbidden } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { Files } from '#rooms/files'
import { FILES, TRASH_ID } from '#rooms/files'
import type { Instance, Instances } from '#rooms/instances'
import { rulesAbout } from '#rooms/permissions'
import type { Contexts } from '../contexts.ts'
import { SETTINGS, settingsAnswer } from '../document.ts'
import { flagSources, mergeFlags } from '../flags.ts'

export interface AboutDeps {
  instances: Pick<Instances, 'subdomains'>
  files: Pick<Files, 'service' | 'reader'>
  contexts: Contexts
}

/** Without a token these two answer 403, where others say 401 (`protocol/settings.md` §4, §5). */
const ANY_TOKEN = { public: 'asks for a token itself: without one it answers 403' } as const

async function assertToken({ actorIfAny }: Pick<RouteRequest<unknown, unknown, unknown>, 'actorIfAny'>): Promise<void> {
  if (!(await actorIfAny())) throw forbidden()
}

/** What clients ask about the server and the space: capabilities, disk usage, context, flags. */
export function aboutRoutes({ instances, files, contexts }: AboutDeps): Route[] {
  const bytesInTrash = async (tenant: Tenant): Promise<bigint> =>
    files.reader.sizeOf(tenant, await files.reader.mustById(tenant, TRASH_ID))

  return [
    route({
      method: 'GET',
      path: '/settings/capabilities',
      summary: 'What this server can do',
      family: 'json-api',
      permission: { token: 'says nothing of anybody' },
      evenWhenBlocked: true,
      handle: () =>
        settingsAnswer('capabilities', {
          file_versioning: true,
          flat_subdomains: instances.subdomains === 'flat',
          can_auth_with_password: true,
          can_auth_with_magic_links: false,
          can_auth_with_oidc: false,
        }),
    }),
    route({
      method: 'GET',
      path: '/settings/disk-usage',
      summary: 'Bytes used and allowed',
      family: 'json-api',
      permission: {
        inside: 'GET on it, or the token of an app somebody is signed in to, or a share that may add files',
      },
      evenWhenBlocked: true,
      async handle({ tenant, actor, allow, query }) {
        const grant = allow.maybe()
        const isSignedInApp = actor.kind === 'app' && actor.sessionId !== undefined
        // Whoever may put files somewhere wants to know whether they fit.
        const mayAddFiles = actor.kind === 'share' && rulesAbout(grant, 'POST', FILES).length > 0
        allow.check(grant.allowsId('GET', SETTINGS, `${SETTINGS}.disk-usage`) || isSignedInApp || mayAddFiles)
        const { files: used, versions } = await files.service.usage(tenant)
        const quota = (tenant as Instance).quotaBytes
        const trash = query.include === 'trash' ? { trash: String(await bytesInTrash(tenant)) } : {}
        return settingsAnswer('disk-usage', {
          used: String(used + versions),
          ...(quota !== undefined && { quota: String(quota) }),
          files: String(used),
          versions: String(versions),
          ...trash,
        })
      },
    }),
    route({
      method: 'GET',
      path: '/settings/context',
      summary: 'What the operator says about this context',
      family: 'json-api',
      permission: ANY_TOKEN,
      evenWhenBlocked: true,
      async handle({ tenant, actorIfAny }) {
        await assertToken({ actorIfAny })
        const { flags: _, ...context } = contexts.contexts[(tenant as Instance).context] ?? {}
        return settingsAnswer('context', { sponsorships: [], antivirus: {}, ...context })
      },
    }),
    route({
      method: 'GET',
      path: '/settings/flags',
      summary: 'Feature flags',
      family: 'json-api',
      permission: ANY_TOKEN,
      evenWhenBlocked: true,
      async handle({ tenant, actorIfAny, query }) {
        await assertToken({ actorIfAny })
        const sources = flagSources(tenant as Instance, contexts)
        const included = sources.map(({ name, flags }) => ({
          type: SETTINGS,
          id: `${SETTINGS}.flags.${name}`,
          attributes: flags,
          meta: {},
        }))
        return settingsAnswer('flags', mergeFlags(sources), query.include === 'true' ? { included } : {})
      },
    }),
  ]
}
