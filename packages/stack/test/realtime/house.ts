import { once } from 'node:events'
import WebSocket from 'ws'
import { silentLog } from '../../src/ground/database/testing.ts'
import { createServer, listen } from '../../src/ground/http/index.ts'
import type { Instance } from '../../src/rooms/instances/index.ts'
import { createRealtime, type RealtimeTimes } from '../../src/rooms/realtime/index.ts'
import { startTestHouse } from '../help/house.ts'
import { send, type TestRequest } from '../help/request.ts'

/** An event as clients get it. */
export interface Heard {
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by asserting it
  payload: any
}

/** A house, and realtime on a port of its own, so that a test may stop it and choose its times. */
export async function openRealtimeHouse(times: Partial<RealtimeTimes> = {}) {
  const house = await startTestHouse()
  const { instances, oauth, files } = house.rooms
  const realtime = createRealtime(house.ground, { instances, oauth, files }, times)
  const listener = await listen('127.0.0.1', 0, 'PORT')
  const app = await createServer({
    listener,
    routes: realtime.routes,
    secure: false,
    log: silentLog,
    clock: house.ground.clock,
    gate: {
      tenantOf: instances.tenantOf,
      tokenOf: oauth.tokenOf,
      authenticate: oauth.authenticate,
      registering: oauth.registering,
      sessionOf: async () => undefined,
    },
  })
  realtime.attach(listener.server)
  const origin = `http://127.0.0.1:${listener.port}`
  let made = 0

  return {
    ...house,
    realtime,
    origin,
    async person() {
      const { instance } = await instances.create({ domain: `r${++made}.example.test`, locale: 'en' })
      return instance
    },
    documents: (instance: Instance) => house.ground.documents.of(instance),
    /** Connects. With a scope, shows a token for it. */
    connect: (instance: Instance, options: { headers?: Record<string, string>; protocol?: string } = {}) =>
      connect(origin, instance, options),
    async listen(instance: Instance, scope: string) {
      const client = await connect(origin, instance)
      client.send({ method: 'AUTH', payload: await house.token(scope, instance) })
      return client
    },
    request: (instance: Instance, path: string, options: TestRequest = {}) =>
      send(origin, path, { host: new URL(instance.url).host, ...options }),
    async [Symbol.asyncDispose]() {
      await realtime[Symbol.asyncDispose]()
      await app.close()
      await listener[Symbol.asyncDispose]()
      await house[Symbol.asyncDispose]()
    },
  }
}

export type RealtimeHouse = Awaited<ReturnType<typeof openRealtimeHouse>>

const WAIT_MS = 5_000

export async function connect(
  origin: string,
  instance: Instance,
  { headers = {}, protocol = 'io.cozy.websocket' }: { headers?: Record<string, string>; protocol?: string } = {},
) {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/realtime/`, protocol ? [protocol] : [], {
    headers: { host: new URL(instance.url).host, ...headers },
  })
  const heard: Heard[] = []
  let wake: (() => void) | undefined
  socket.on('message', data => {
    heard.push(JSON.parse(String(data)))
    wake?.()
  })
  const closed = once(socket, 'close').then(([code, reason]) => {
    wake?.()
    return { code: code as number, reason: String(reason) }
  })
  await once(socket, 'open')
  let taken = 0
  const client = {
    socket,
    heard,
    closed,
    send: (message: object | string) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    subscribe: (type: string, id?: string, since?: string) =>
      client.send({ method: 'SUBSCRIBE', payload: { type, ...(id && { id }), ...(since && { since }) } }),
    unsubscribe: (type: string, id?: string) =>
      client.send({ method: 'UNSUBSCRIBE', payload: { type, ...(id && { id }) } }),
    /** The next event. */
    async next(): Promise<Heard> {
      const until = Date.now() + WAIT_MS
      while (heard.length <= taken) {
        const left = until - Date.now()
        if (left <= 0) throw new Error('Nothing was heard')
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, left)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      return heard[taken++]!
    },
    async take(count: number): Promise<Heard[]> {
      const events: Heard[] = []
      while (events.length < count) events.push(await client.next())
      return events
    },
    /**
     * Resolves when all messages sent so far have been dealt with: they are done in order, and an unknown one is answered.
     * @returns what was heard meanwhile
     */
    async settled(): Promise<Heard[]> {
      client.send({ method: 'PROBE', payload: {} })
      const events: Heard[] = []
      for (;;) {
        const event = await client.next()
        if (event.payload.source?.method === 'PROBE') return events
        events.push(event)
      }
    },
  }
  return client
}
