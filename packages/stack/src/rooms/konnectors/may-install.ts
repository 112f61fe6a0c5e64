import { forbidden } from '#ground/http/errors'
import type { Actor, Verb } from '#ground/http/grant'
import type { RouteRequest } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { KONNECTORS } from './konnector.ts'
import { parseSource } from './source/parse.ts'

export interface MayInstallDeps {
  /** Slugs of apps that may. */
  installers: readonly string[]
  contextOf(tenant: Tenant): Promise<Record<string, unknown> | undefined>
}

/**
 * Who may install, update (`POST`) and uninstall (`DELETE`), and from where (`protocol/permissions.md` §4): who may do
 * everything; the operator's tokens; apps that are installers, and others where the context says so, from registries only.
 */
export function createMayInstall({ installers, contextOf }: MayInstallDeps) {
  return async (
    { actor, allow, tenant }: Pick<RouteRequest<unknown, unknown, unknown>, 'actor' | 'allow' | 'tenant'>,
    verb: Extract<Verb, 'POST' | 'DELETE'>,
    /** Undefined: none is given, or none is needed. */
    source: string | undefined,
  ): Promise<void> => {
    allow.whole(verb, KONNECTORS)
    if (actor.kind === 'cli') return
    const isOperators = source !== undefined && readsThisMachine(source)
    if (actor.grant.maximal) return allow.check(!isOperators)
    allow.check(await mayByKind(actor, tenant))
    if (verb !== 'DELETE' && !source?.startsWith('registry://')) throw forbidden()
  }

  async function mayByKind({ kind, subject }: Actor, tenant: Tenant): Promise<boolean> {
    if (kind !== 'app' && kind !== 'oauth') return false
    if (kind === 'app' && installers.includes(subject)) return true
    return (await contextOf(tenant))?.allow_install_via_a_permission === true
  }
}

export type MayInstall = ReturnType<typeof createMayInstall>

/** The disk and the keys of the server are the operator's alone, whatever an owner's token may do. */
function readsThisMachine(text: string): boolean {
  const source = parseSource(text)
  return (
    source.kind === 'file' || (source.kind === 'git' && (source.transport === 'file' || source.transport === 'ssh'))
  )
}
