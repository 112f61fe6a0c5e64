import type { Socket } from 'node:net'
import { readClientHello } from './client-hello.ts'
import type { RefusalReason } from './refusals.ts'

const HANDSHAKE_MS = 10_000
/** A client opens the connection it will use while the gate still dials for it. */
const PREAMBLE_MS = 60_000
const TLS_HANDSHAKE = 22

/**
 * Reads from a paused socket until `judge` has seen enough. What was read is handed over, nothing is lost.
 * @returns undefined when the socket closed or was too slow
 */
function readUntil<T>(
  socket: Socket,
  withinMs: number,
  judge: (bytes: Buffer) => T | undefined,
): Promise<{ bytes: Buffer; result: T } | undefined> {
  return new Promise(resolve => {
    let bytes = Buffer.alloc(0)
    const finish = (value: { bytes: Buffer; result: T } | undefined) => {
      clearTimeout(timer)
      socket.off('readable', read)
      socket.off('close', gone)
      socket.off('end', gone)
      resolve(value)
    }
    const gone = () => finish(undefined)
    const read = () => {
      let chunk: Buffer | null = socket.read()
      while (chunk !== null) {
        bytes = Buffer.concat([bytes, chunk])
        const result = judge(bytes)
        if (result !== undefined) return finish({ bytes, result })
        chunk = socket.read()
      }
    }
    const timer = setTimeout(gone, withinMs)
    socket.on('readable', read)
    socket.once('close', gone)
    socket.once('end', gone)
    read()
  })
}

/** @returns the first line without its end, the rest pushed back; undefined when there is none within `limit` bytes or in time */
export async function readPreamble(socket: Socket, limit: number): Promise<string | undefined> {
  const read = await readUntil(socket, PREAMBLE_MS, bytes => {
    const end = bytes.indexOf(10)
    return end >= 0 ? end : bytes.length > limit ? -1 : undefined
  })
  if (!read || read.result < 0 || read.result > limit) return undefined
  const rest = read.bytes.subarray(read.result + 1)
  if (rest.length > 0) socket.unshift(rest)
  return read.bytes.toString('latin1', 0, read.result)
}

/** Whether a connection begins with a TLS handshake; what was read is pushed back. Undefined: it said nothing. */
export async function beginsWithTls(socket: Socket): Promise<boolean | undefined> {
  const read = await readUntil(socket, HANDSHAKE_MS, bytes => bytes[0] === TLS_HANDSHAKE)
  if (!read) return undefined
  socket.unshift(read.bytes)
  return read.result
}

/**
 * Holds a connection until its ClientHello names `name`; what was read is pushed back.
 * One allowed site on a shared host would else open every site on it.
 * @returns undefined when it may pass
 */
export async function checkServerName(socket: Socket, name: string): Promise<RefusalReason | undefined> {
  const read = await readUntil(socket, HANDSHAKE_MS, bytes => {
    const hello = readClientHello(bytes)
    return hello.state === 'more' ? undefined : hello
  })
  if (read?.result.state !== 'read') return 'not_tls'
  if (read.result.isEncrypted) return 'hidden_server_name'
  if (read.result.serverName !== name) return 'server_name'
  socket.unshift(read.bytes)
  return undefined
}
