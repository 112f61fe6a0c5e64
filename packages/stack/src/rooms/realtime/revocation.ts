import type { Actor } from '#ground/http/grant'
import type { NewsEvent } from '#ground/news/contract'
import { INSTANCE_NEWS, SESSIONS } from '#rooms/instances'
import { CLIENTS } from '#rooms/oauth'
import { decodeJwt, PERMISSIONS, RUN_NEWS } from '#rooms/permissions'

/** What an event means for somebody who is connected. */
export type Consequence =
  | 'none'
  /** The token is void. */
  | 'revoked'
  /** What it may do could have changed, or ended. */
  | 'look again'
  /** The instance is no more. */
  | 'gone'

/** What tokens rest on. */
export const FOUNDATIONS: ReadonlySet<string> = new Set([CLIENTS, SESSIONS, RUN_NEWS, INSTANCE_NEWS, PERMISSIONS])

/** Whether an event may be the end of somebody's token; whose, nobody can say before the token has been looked at. */
export const mayRevoke = ({ doctype }: NewsEvent): boolean => FOUNDATIONS.has(doctype)

/** The run that a konnector's token dies with. The token has been verified before. */
export const runOf = (token: string): string | undefined => {
  const run = decodeJwt(token)?.claims.run
  return typeof run === 'string' ? run : undefined
}

/**
 * Whether an event ends what a connection was opened with. Upstream leaves connections open whatever happens to their token;
 * that a token has become too old does not end them here either (`protocol/realtime.md` §2).
 */
export function consequenceOf(
  { verb, doctype, id, doc }: NewsEvent,
  actor: Actor,
  run: string | undefined,
): Consequence {
  const isDeleted = verb === 'DELETED'
  switch (doctype) {
    case CLIENTS:
      return isDeleted && id === actor.client?.id ? 'revoked' : 'none'
    case SESSIONS:
      return isDeleted && actor.sessionId !== undefined && id === actor.sessionId ? 'revoked' : 'none'
    case RUN_NEWS:
      return run !== undefined && id === run ? 'revoked' : 'none'
    case INSTANCE_NEWS:
      if (doc.change === 'destroyed') return 'gone'
      return doc.change === 'secrets' && isOfSession(actor) ? 'revoked' : 'none'
    case PERMISSIONS:
      if (actor.permissionId === undefined || id !== actor.permissionId) return 'none'
      return isDeleted ? 'revoked' : 'look again'
    default:
      return 'none'
  }
}

/** Signed with the session secret. */
const isOfSession = ({ kind }: Actor) => kind === 'app' || kind === 'konnector'
