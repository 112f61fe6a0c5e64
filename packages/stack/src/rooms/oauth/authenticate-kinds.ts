import type { Ground } from '#ground/ground'
import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import {
  grantOf,
  MAXIMAL,
  malformedScope,
  PERMISSIONS,
  type PermissionSet,
  parseScope,
  RUN_NEWS,
  sourceIdOf,
} from '#rooms/permissions'
import type { AuthenticateDependencies } from './authenticate.ts'
import { CLIENTS } from './client-record.ts'
import type { Foundation } from './token-cache.ts'
import { LOGIN_SCOPE, linkedSlug, MAXIMAL_SCOPE } from './token-scope.ts'
import { type Claims, invalidToken } from './tokens.ts'

/** What a token turned out to be. */
export interface Identity {
  actor: Actor
  /** What may change and make this untrue. */
  foundations: Foundation[]
  /** Milliseconds since 1970, when it is over whatever happens. */
  expiresAt: number
  /** The cookie that must come along. */
  password?: { cookie: string; proof: string } | undefined
}

type Found = Pick<Identity, 'actor' | 'foundations'>

/** Finds out who stands behind the claims of a token whose signature and age were checked: kind by kind. */
export function createIdentify(
  { documents }: Pick<Ground, 'documents'>,
  { permissions, securityStamp }: AuthenticateDependencies,
) {
  const contentOf = async (tenant: Tenant, doctype: string, id: string) => {
    const document = await documents.of(tenant).get(doctype, id)
    return document && !document.deleted ? document.body : undefined
  }

  /** An app or konnector: its permission document must be there; its version is told when it is installed. */
  const installed = async (tenant: Tenant, type: 'app' | 'konnector', slug: string) => {
    const id = sourceIdOf(type, slug)
    const doctype = type === 'app' ? 'io.cozy.apps' : 'io.cozy.konnectors'
    const [record, content] = await Promise.all([permissions.find(tenant, id), contentOf(tenant, doctype, id)])
    if (!record || record.type !== type) throw invalidToken()
    const version = content?.version
    return {
      actor: {
        slug,
        permissionId: id,
        grant: grantOf(record.rules),
        ...(typeof version === 'string' && { version }),
      },
      foundations: [
        { doctype: PERMISSIONS, id },
        { doctype, id },
      ],
    }
  }

  const app = async (tenant: Tenant, { subject, sessionId }: Claims): Promise<Found> => {
    const { actor, foundations } = await installed(tenant, 'app', subject)
    return { actor: { kind: 'app', subject, sessionId, ...actor }, foundations }
  }

  /**
   * Tokens that name a run are good while it lives, and for its account only. Those that name none are the ecosystem's: an
   * administrator's, for a konnector that is being developed.
   */
  const konnector = async (tenant: Tenant, { subject, run, account }: Claims): Promise<Found> => {
    const [{ actor, foundations }, live] = await Promise.all([
      installed(tenant, 'konnector', subject),
      run === undefined ? undefined : permissions.runs.find(tenant, run),
    ])
    if (run !== undefined && (live?.slug !== subject || live.accountId !== account)) throw invalidToken()
    return {
      actor: { kind: 'konnector', subject, ...actor, ...(account !== undefined && { accountId: account }) },
      foundations: run === undefined ? foundations : [...foundations, { doctype: RUN_NEWS, id: run }],
    }
  }

  const oauth = async (tenant: Tenant, { subject, scope }: Claims): Promise<Found> => {
    const content = await contentOf(tenant, CLIENTS, subject)
    if (!content) throw invalidToken()
    const text = (name: string) => (typeof content[name] === 'string' ? content[name] : undefined)
    const client = { id: subject, kind: text('client_kind'), name: text('client_name') }
    const own: Foundation = { doctype: CLIENTS, id: subject }
    const softwareId = text('software_id')
    const linked = linkedSlug(scope)
    if (linked !== undefined) {
      // The scope was given to a client of this app; of another it says nothing.
      if (softwareId !== `registry://${linked}`) throw invalidToken()
      const { actor, foundations } = await installed(tenant, 'app', linked)
      return { actor: { kind: 'oauth', subject, client, ...actor }, foundations: [own, ...foundations] }
    }
    const slug = softwareId?.startsWith('registry://') ? softwareId.slice('registry://'.length) : undefined
    const rules = rulesOfScope(scope, content.flagship === true)
    return { actor: { kind: 'oauth', subject, slug, client, grant: grantOf(rules) }, foundations: [own] }
  }

  const cli = ({ subject, scope }: Claims): Found => ({
    actor: { kind: 'cli', subject, grant: grantOf(parseScope(scope ?? '')) },
    foundations: [],
  })

  const foundBy = (tenant: Tenant, claims: Claims): Found | Promise<Found> => {
    switch (claims.audience) {
      case 'app':
        return app(tenant, claims)
      case 'konn':
        return konnector(tenant, claims)
      case 'access':
        return oauth(tenant, claims)
      case 'cli':
        return cli(claims)
      default:
        // Share tokens are found by what they are, not by what they say; the others open no API.
        throw invalidToken()
    }
  }

  return {
    /** Claims of any audience that opens the API but `share`. @throws HttpError 400 */
    async claims(tenant: Tenant, claims: Claims): Promise<Identity> {
      if (claims.stamp !== undefined && claims.stamp !== (await securityStamp?.(tenant))) throw invalidToken()
      const found = await foundBy(tenant, claims)
      return { ...found, expiresAt: Number.POSITIVE_INFINITY }
    },

    /** A share token, its signature checked, or a short code. @throws HttpError 400 */
    async share(tenant: Tenant, code: string): Promise<Identity> {
      const share = await permissions.shareByCode(tenant, code)
      if (!share) throw invalidToken()
      const { record, name, expiresAt = Number.POSITIVE_INFINITY, password } = share
      return {
        actor: { kind: 'share', subject: name, permissionId: record.id, grant: grantOf(record.rules) },
        foundations: [{ doctype: PERMISSIONS, id: record.id }],
        expiresAt,
        password,
      }
    },
  }
}

/** Everything is for flagship clients alone: no other can have asked for it and got it, unless something else went wrong. */
function rulesOfScope(scope: string | undefined, flagship: boolean): PermissionSet {
  if (scope === LOGIN_SCOPE) return []
  if (scope !== MAXIMAL_SCOPE) return parseScope(scope ?? '')
  if (!flagship) throw malformedScope()
  return MAXIMAL
}
