import type { Socket } from 'node:net'

/** Bytes of one job, both ways. */
export interface Traffic {
  connections: number
  bytesUp: number
  bytesDown: number
}

/** Tells of bytes that have passed; false ends the connection. */
export type Count = (direction: 'up' | 'down', bytes: number) => boolean

/** Ties the two ends of a connection together, each waiting for the other, and lets one end take the other down. */
export function join(inside: Socket, outside: Socket, count: Count): void {
  forward(inside, outside, bytes => count('up', bytes))
  forward(outside, inside, bytes => count('down', bytes))
}

function forward(from: Socket, to: Socket, count: (bytes: number) => boolean): void {
  from.on('data', (chunk: Buffer) => {
    if (!count(chunk.length)) {
      from.destroy()
      to.destroy()
    }
  })
  // The end shows as `close`; what the reason was, nobody here can mend.
  from.on('error', () => to.destroy())
  from.on('close', () => {
    // An orderly end has been passed on by pipe, and what is still being written may go out.
    if (!to.writableEnded || !from.readableEnded) to.destroy()
  })
  from.pipe(to)
}
