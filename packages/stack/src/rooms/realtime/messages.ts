/** What a client may send (`protocol/realtime.md` §2). */
export type ClientMessage =
  | { method: 'AUTH'; token: string }
  | { method: 'SUBSCRIBE' | 'UNSUBSCRIBE'; payload: Target }
  /** Readable, but nothing we know. */
  | { method: 'unknown'; name: string; payload: Target }

/** What is subscribed to. */
export interface Target {
  /** Doctype; empty when the client did not say. */
  type: string
  /** Empty: all documents of the type. */
  id: string
  /** Ours: a cursor to go on from. */
  since?: string | undefined
}

/**
 * Reads a message. Members of other types than the protocol's make it unreadable.
 * @returns undefined for what is not a message at all
 */
export function readMessage(text: string): ClientMessage | undefined {
  const value = parse(text)
  if (!isObject(value) || typeof value.method !== 'string') return undefined
  const method = value.method.toUpperCase()
  if (method === 'AUTH') return typeof value.payload === 'string' ? { method, token: value.payload } : undefined
  const { payload = {} } = value
  if (!isObject(payload)) return undefined
  const { type = '', id = '', since } = payload
  if (typeof type !== 'string' || typeof id !== 'string') return undefined
  if (since !== undefined && typeof since !== 'string') return undefined
  const target: Target = { type, id, ...(since !== undefined && { since }) }
  if (method === 'SUBSCRIBE' || method === 'UNSUBSCRIBE') return { method, payload: target }
  return { method: 'unknown', name: value.method, payload: target }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a client is told when something is wrong (`protocol/realtime.md` §3). */
export interface Complaint {
  status: string
  code: string
  title: string
}

export const COMPLAINTS = {
  method: (name: string): Complaint => ({
    status: '405 Method Not Allowed',
    code: 'method not allowed',
    title: `The ${name} method is not supported`,
  }),
  unauthorized: (): Complaint => ({
    status: '401 Unauthorized',
    code: 'unauthorized',
    title: 'The authentication has failed',
  }),
  forbidden: (type: string): Complaint => ({
    status: '403 Forbidden',
    code: 'forbidden',
    title: `The application can't subscribe to ${type}`,
  }),
  noType: (method: string): Complaint => ({
    status: '404 Page Not Found',
    code: 'page not found',
    title: `The type parameter is mandatory for ${method}`,
  }),
  badCursor: (): Complaint => ({
    status: '400 Bad Request',
    code: 'bad cursor',
    title: 'The cursor is not one of an event',
  }),
  goneCursor: (type: string): Complaint => ({
    status: '410 Gone',
    code: 'cursor gone',
    title: `The changes of ${type} since this cursor are no longer known: fetch the documents again`,
  }),
  tooMany: (limit: number): Complaint => ({
    status: '429 Too Many Requests',
    code: 'too many subscriptions',
    title: `A connection has at most ${limit} subscriptions`,
  }),
} as const

/** Text of an error event. A token is never said back: clients write these events into their logs. */
export const complaintText = (complaint: Complaint, method: string, payload: Target | ''): string =>
  JSON.stringify({ event: 'error', payload: { ...complaint, source: { method, payload } } })
