import type { WebSocket } from 'ws'

/** Bytes that may wait for a client to take them in; with more it is dropped, and comes back to fetch. */
const MOST_BUFFERED = 4 * 1024 * 1024
/** While a client is told what it has missed, we wait for it rather than drop it. */
const ENOUGH_BUFFERED = 256 * 1024

/** What waits to be sent: texts go out in the order they were pushed, also those that are still being made. */
export function createOutbox(socket: WebSocket) {
  let tail: Promise<void> | undefined

  const send = (text: string | undefined) => {
    if (text === undefined || socket.readyState !== socket.OPEN) return
    socket.send(text)
    // A polite goodbye would wait behind all the rest.
    if (socket.bufferedAmount > MOST_BUFFERED) socket.terminate()
  }

  return {
    /** @param text undefined: nothing after all. A promise must not reject. */
    push(text: string | undefined | Promise<string | undefined>): void {
      if (tail === undefined && !(text instanceof Promise)) {
        send(text)
        return
      }
      const before = tail
      const mine = (async () => {
        const ready = await text
        await before
        send(ready)
      })()
      tail = mine
      void mine.then(() => {
        if (tail === mine) tail = undefined
      })
    },

    /** Sends, waiting for a client that is behind. @returns false when it is gone */
    async drained(text: string): Promise<boolean> {
      await tail
      if (socket.readyState !== socket.OPEN) return false
      if (socket.bufferedAmount < ENOUGH_BUFFERED) {
        send(text)
        return true
      }
      return new Promise(resolve => socket.send(text, error => resolve(!error)))
    },
  }
}
