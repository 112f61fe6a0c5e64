import type { WebSocket } from 'ws'

export interface HeartbeatTimes {
  /** Milliseconds between pings. */
  pingEvery: number
  /** A client from which nothing comes for so long, no pong either, is gone. */
  silence: number
}

/** `protocol/realtime.md` §1. */
export const HEARTBEAT: HeartbeatTimes = { pingEvery: 54_000, silence: 60_000 }

/** Pings a client, and drops it when nothing comes back. Ends with the connection. */
export function keepAlive(socket: WebSocket, { pingEvery, silence }: HeartbeatTimes): void {
  const ping = setInterval(() => socket.ping(), pingEvery)
  const deadline = setTimeout(() => socket.terminate(), silence)
  // A server that stops has closed its connections: no timer of theirs keeps it.
  ping.unref()
  deadline.unref()
  const heard = () => void deadline.refresh()
  for (const event of ['message', 'ping', 'pong']) socket.on(event, heard)
  socket.once('close', () => {
    clearInterval(ping)
    clearTimeout(deadline)
  })
}
