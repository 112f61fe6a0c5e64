import type { WebSocket } from 'ws'
import type { Documents } from '#ground/documents/contract'
import { WireError } from '#ground/http/errors'
import type { Actor } from '#ground/http/grant'
import type { Log } from '#ground/log'
import type { NewsEvent } from '#ground/news/contract'
import type { Tenant } from '#ground/tenant'
import { readCursor } from './cursor.ts'
import { isPublic } from './event-text.ts'
import type { Hub, Outgoing } from './hub.ts'
import { COMPLAINTS, type Complaint, complaintText, readMessage, type Target } from './messages.ts'
import { createOutbox } from './outbox.ts'
import { replay } from './replay.ts'
import { consequenceOf, FOUNDATIONS, mayRevoke, runOf } from './revocation.ts'
import { createSubscriptions } from './subscriptions.ts'

/** RFC 6455 §7.4.1. */
export const CLOSED = { goingAway: 1001, unreadable: 1003, policy: 1008, error: 1011 } as const

/** Subscriptions of a connection: Home has a dozen, a client that follows each file of a big folder some thousands. */
const MOST_SUBSCRIPTIONS = 10_000
/** Messages that wait for the one before them. */
const MOST_WAITING = 1_000
/** Looks at a token while its instance is in motion. */
const TRIES = 5
/** Live events kept while the changes before them are sent. */
const MOST_KEPT = 10_000

export interface ConnectionParts {
  hub: Hub
  documents: Documents
  log: Log
  authenticate(tenant: Tenant, token: string): Promise<Actor>
  may(tenant: Tenant, actor: Actor, target: Pick<Target, 'type' | 'id'>): Promise<boolean>
}

/** Who is connected; before the first message nobody. */
interface Known {
  token: string
  actor: Actor
  /** Of a konnector's token. */
  run: string | undefined
}

/**
 * One client (`protocol/realtime.md`). Its states: *silent* until its first message, which must be AUTH; then *listening*.
 * Messages are done one after the other, so that what a client hears fits the order of what it has asked.
 */
export function createConnection(socket: WebSocket, tenant: Tenant, parts: ConnectionParts) {
  const { hub, documents, log, authenticate, may } = parts
  const subscriptions = createSubscriptions()
  const outbox = createOutbox(socket)
  let known: Known | undefined
  /** Events of the doctype whose earlier changes are being sent. */
  let replaying: { type: string; kept: NewsEvent[] } | undefined
  /** Up to where a replay has told all, by subscription. */
  const told = new Map<string, { position: number; epoch: string }>()
  const toldKey = (type: string, id: string) => `${type} ${id}`

  const close = (code: number, reason: string) => {
    hub.leave(listener)
    socket.close(code, reason)
  }
  const complain = (complaint: Complaint, method: string, payload: Target | '') =>
    outbox.push(complaintText(complaint, method, payload))

  /** Whether a replay has sent it already: news of a change may come after the change was read. */
  const isTold = ({ doctype, id }: NewsEvent, { cursor }: Outgoing): boolean =>
    cursor !== undefined &&
    ['', id].some(of => {
      const until = of === undefined ? undefined : told.get(toldKey(doctype, of))
      return until?.epoch === cursor.epoch && cursor.position <= until.position
    })

  const tell = (event: NewsEvent) => {
    const outgoing = hub.outgoing(event)
    if (!isTold(event, outgoing)) outbox.push(outgoing.text)
  }

  /** Something happened since, on which a token may rest. */
  let stirred = false
  const listener = {
    tenantId: tenant.id,
    news(event: NewsEvent) {
      if (mayRevoke(event)) stirred = true
      if (known) obey(event, known)
      if (!isPublic(event.doctype) || !subscriptions.covers(event.doctype, event.id)) return
      if (replaying?.type !== event.doctype) return tell(event)
      if (replaying.kept.length < MOST_KEPT) replaying.kept.push(event)
      else close(CLOSED.policy, 'too slow')
    },
    wants: (doctype: string) => FOUNDATIONS.has(doctype) || subscriptions.hears(doctype),
    missed() {
      // Perhaps the end of a token, of whoever is looked at now too.
      stirred = true
      if (known) enqueue(lookAgain)
    },
  }

  const obey = (event: NewsEvent, { actor, run }: Known) => {
    const consequence = consequenceOf(event, actor, run)
    if (consequence === 'gone') close(CLOSED.goingAway, 'the instance is gone')
    else if (consequence === 'revoked') revoked()
    else if (consequence === 'look again') enqueue(() => lookAgain())
  }

  const revoked = () => {
    complain(COMPLAINTS.unauthorized(), 'AUTH', '')
    close(CLOSED.policy, 'the token was revoked')
  }

  /** What the token may do has changed: subscriptions it would not get now end. */
  const lookAgain = async () => {
    if (!known) return
    const { token } = known
    let actor: Actor
    try {
      actor = await authenticate(tenant, token)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      // Only too old: that does not end a connection.
      return error.message === 'Expired token' ? undefined : revoked()
    }
    known = { ...known, actor }
    await endForbidden(actor)
  }

  const endForbidden = async (actor: Actor) => {
    for (const { type, id } of subscriptions.all()) {
      if (await may(tenant, actor, { type, id })) continue
      if (id === '') subscriptions.removeWhole(type)
      else subscriptions.remove(type, id)
      complain(COMPLAINTS.forbidden(type), 'SUBSCRIBE', { type, id })
    }
  }

  /** Who the token stands for; looked at again when something happened meanwhile that could be its end. */
  const identify = async (token: string): Promise<Actor> => {
    for (let tried = 1; ; tried++) {
      stirred = false
      const actor = await authenticate(tenant, token)
      if (!stirred || tried >= TRIES) return actor
    }
  }

  const authorise = async (token: string): Promise<void> => {
    // Before the token is looked at, so that nothing that ends it goes unheard; a connection that closes leaves by itself.
    hub.join(listener)
    try {
      if (token === '') throw new Refused()
      const actor = await identify(token)
      const again = known !== undefined
      known = { token, actor, run: actor.kind === 'konnector' ? runOf(token) : undefined }
      if (again) await endForbidden(actor)
    } catch (error) {
      if (!(error instanceof WireError || error instanceof Refused)) throw error
      complain(COMPLAINTS.unauthorized(), 'AUTH', '')
      close(CLOSED.policy, 'not authenticated')
    }
  }

  const subscribe = async (target: Target, { actor }: Known): Promise<void> => {
    const { type, id, since } = target
    if (type === '') return complain(COMPLAINTS.noType('SUBSCRIBE'), 'SUBSCRIBE', target)
    if (!(await may(tenant, actor, target))) return complain(COMPLAINTS.forbidden(type), 'SUBSCRIBE', target)
    if (subscriptions.size >= MOST_SUBSCRIPTIONS && !subscriptions.has(type, id))
      return complain(COMPLAINTS.tooMany(MOST_SUBSCRIPTIONS), 'SUBSCRIBE', target)
    if (since !== undefined) return subscribeSince(target, since)
    subscriptions.add(type, id)
    // From here on also what other processes change comes in order.
    await hub.look(tenant, type)
  }

  const subscribeSince = async (target: Target, since: string): Promise<void> => {
    const { type, id } = target
    const cursor = readCursor(since)
    if (!cursor) return complain(COMPLAINTS.badCursor(), 'SUBSCRIBE', target)
    // From here on no event gets lost: what is not read below is kept.
    const mine = { type, kept: [] as NewsEvent[] }
    replaying = mine
    try {
      subscriptions.add(type, id)
      const feed = await hub.look(tenant, type)
      if (!feed || feed.epoch !== cursor.epoch || cursor.position > feed.position)
        return complain(COMPLAINTS.goneCursor(type), 'SUBSCRIBE', target)
      const position = await replay({
        documents,
        tenant,
        type,
        id,
        since: cursor.position,
        epoch: cursor.epoch,
        send: outbox.drained,
      })
      told.set(toldKey(type, id), { position, epoch: cursor.epoch })
    } finally {
      replaying = undefined
      for (const event of mine.kept) tell(event)
    }
  }

  const unsubscribe = (target: Target): void => {
    const { type, id } = target
    if (type === '') {
      complain(COMPLAINTS.noType('UNSUBSCRIBE'), 'UNSUBSCRIBE', target)
      return
    }
    subscriptions.remove(type, id)
    if (id !== '') told.delete(toldKey(type, id))
    else for (const key of [...told.keys()]) if (key.startsWith(toldKey(type, ''))) told.delete(key)
  }

  const receive = async (text: string): Promise<void> => {
    const message = readMessage(text)
    if (!known) {
      if (message?.method === 'AUTH') return authorise(message.token)
      const name = message?.method === 'unknown' ? message.name : (message?.method ?? '')
      complain(COMPLAINTS.method(name), name, '')
      return close(CLOSED.policy, 'not authenticated')
    }
    if (!message) return close(CLOSED.unreadable, 'unreadable message')
    switch (message.method) {
      case 'AUTH':
        return authorise(message.token)
      case 'SUBSCRIBE':
        return subscribe(message.payload, known)
      case 'UNSUBSCRIBE':
        return unsubscribe(message.payload)
      default:
        return complain(COMPLAINTS.method(message.name), message.name, message.payload)
    }
  }

  let turn = Promise.resolve()
  let waiting = 0
  const enqueue = (work: () => Promise<void>) => {
    waiting++
    turn = turn
      .then(() => (socket.readyState === socket.OPEN ? work() : undefined))
      .catch((error: unknown) => {
        log.error('a message of a realtime client failed', { domain: tenant.domain, error })
        close(CLOSED.error, 'internal error')
      })
      .finally(() => void waiting--)
  }

  socket.on('message', (data, isBinary) => {
    if (waiting >= MOST_WAITING) close(CLOSED.policy, 'too many messages')
    else if (isBinary) enqueue(async () => close(CLOSED.unreadable, 'text is expected'))
    else enqueue(() => receive(String(data)))
  })
  socket.once('close', () => hub.leave(listener))
  // Frames that are too large or broken: ws closes the connection by itself.
  socket.on('error', error => log.debug('a realtime connection failed', { domain: tenant.domain, error }))

  return {
    /** Whether it has shown a token. */
    isKnown: () => known !== undefined,
    close,
  }
}

/** No token at all. */
class Refused extends Error {}
