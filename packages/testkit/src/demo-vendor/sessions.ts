import { createHmac, randomBytes } from 'node:crypto'
import type { Language } from './format.ts'

export const SESSION_COOKIE = 'AVSESSID'
export const KEY_COOKIE = 'AVKEY'
export const TRUST_COOKIE = 'AVTRUST'
/** Seconds without a request after which a session ends. */
export const SESSION_SECONDS = 30 * 60
export const REMEMBERED_SECONDS = 30 * 86_400
/** How often the key before the current one still works: several requests may be under way when it changes. */
const OLD_KEY_USES = 6

export interface Session {
  id: string
  csrf: string
  /** Set once logged in, 2FA included. */
  email?: string
  /** Password was right, code is still missing. */
  pending?: { email: string; next: string; code: string; wrongCodes: number }
  language?: Language
  remember: boolean
  key: string
  oldKey: string
  oldKeyUses: number
  seenAt: number
}

export interface Sessions {
  /** The living session of this cookie value, or undefined. */
  find(id: string | undefined): Session | undefined
  create(): Session
  /** Another id for the same session, at each change of rights (session fixation). */
  renew(session: Session): void
  /** True when the key is good; with `change`, a good current key is replaced and the answer must carry the new one. */
  acceptKey(session: Session, key: string | undefined, change: boolean): boolean
  end(session: Session): void
  endAll(): void
}

const token = () => randomBytes(18).toString('base64url')

export function createSessions(clock: () => Date): Sessions {
  const byId = new Map<string, Session>()
  return {
    find(id) {
      const session = id === undefined ? undefined : byId.get(id)
      if (!session) return undefined
      const now = clock().getTime()
      if (now - session.seenAt > (session.remember ? REMEMBERED_SECONDS : SESSION_SECONDS) * 1000) {
        byId.delete(session.id)
        return undefined
      }
      session.seenAt = now
      return session
    },
    create() {
      const session: Session = {
        id: token(),
        csrf: token(),
        remember: false,
        key: token(),
        oldKey: '',
        oldKeyUses: 0,
        seenAt: clock().getTime(),
      }
      byId.set(session.id, session)
      return session
    },
    renew(session) {
      byId.delete(session.id)
      session.id = token()
      session.csrf = token()
      byId.set(session.id, session)
    },
    acceptKey(session, key, change) {
      if (key === session.key) {
        if (change) {
          session.oldKey = session.key
          session.oldKeyUses = 0
          session.key = token()
        }
        return true
      }
      return key !== undefined && key === session.oldKey && ++session.oldKeyUses <= OLD_KEY_USES
    },
    end(session) {
      byId.delete(session.id)
    },
    endAll() {
      byId.clear()
    },
  }
}

/** What a trusted device carries: a signature, so that it survives a restart of the vendor. */
export function trustToken(seed: number, email: string): string {
  return createHmac('sha256', `aquavolt trust ${seed}`).update(email).digest('base64url')
}
