import type { Server } from 'node:http'
import type { WebSocket } from 'ws'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Files } from '#rooms/files'
import type { Instances } from '#rooms/instances'
import type { OAuth } from '#rooms/oauth'
import { CLOSED, createConnection } from './connection.ts'
import { HEARTBEAT, type HeartbeatTimes, keepAlive } from './heartbeat.ts'
import { createHub } from './hub.ts'
import { notifyRoute } from './notify-route.ts'
import { maySubscribe } from './permission.ts'
import { createUpgrade } from './upgrade.ts'

export interface RealtimeDependencies {
  oauth: Pick<OAuth, 'authenticate'>
  instances: Pick<Instances, 'tenantOf'>
  files: Pick<Files, 'access'>
}

export interface RealtimeTimes extends HeartbeatTimes {
  /** How long a client may be connected without having shown a token. Milliseconds. */
  authWithin: number
  /** How long clients have to say goodbye when the server stops. */
  goodbye: number
}

const TIMES: RealtimeTimes = { ...HEARTBEAT, authWithin: 30_000, goodbye: 2_000 }

export interface Realtime extends AsyncDisposable {
  /** Takes the websockets of a server. To be disposed of before the server is closed, which waits for its connections. */
  attach(server: Server): void
  routes: Route[]
  /** Clients connected now. */
  connections(): number
}

/** Tells subscribers what changed. Listens to the news; is imported by nobody. */
export function createRealtime(
  ground: Ground,
  { oauth, instances, files: { access } }: RealtimeDependencies,
  times: Partial<RealtimeTimes> = {},
): Realtime {
  const { documents, log } = ground
  const { authWithin, goodbye, ...heartbeat } = { ...TIMES, ...times }
  const hub = createHub(ground)
  const open = new Map<WebSocket, ReturnType<typeof createConnection>>()
  const detach: (() => void)[] = []
  let closed = false

  const { attach } = createUpgrade({
    tenantOf: instances.tenantOf,
    log,
    isClosed: () => closed,
    accept(socket, tenant, { headers: { cookie } }) {
      const connection = createConnection(socket, tenant, {
        hub,
        documents,
        log,
        authenticate: (of, token) => oauth.authenticate(of, token, cookie),
        may: (of, actor, target) => maySubscribe({ documents, access }, of, actor, target),
      })
      open.set(socket, connection)
      keepAlive(socket, heartbeat)
      const hurry = setTimeout(() => {
        if (!connection.isKnown()) connection.close(CLOSED.policy, 'not authenticated')
      }, authWithin).unref()
      socket.once('close', () => {
        clearTimeout(hurry)
        open.delete(socket)
      })
    },
  })

  return {
    attach: server => void detach.push(attach(server)),
    routes: [notifyRoute(ground)],
    connections: () => open.size,
    async [Symbol.asyncDispose]() {
      closed = true
      for (const end of detach) end()
      hub.end()
      await Promise.all([...open].map(([socket, connection]) => sayGoodbye(socket, connection, goodbye)))
    },
  }
}

function sayGoodbye(socket: WebSocket, { close }: ReturnType<typeof createConnection>, within: number): Promise<void> {
  return new Promise(resolve => {
    const enough = setTimeout(() => socket.terminate(), within)
    socket.once('close', () => {
      clearTimeout(enough)
      resolve()
    })
    close(CLOSED.goingAway, 'the server stops')
  })
}
