import { createServer } from 'node:net'
import { defineKonnector, startIfMain } from '@konnectory/sdk'

/** A konnector that does what `COZY_PARAMETERS.does` says; each is a way in which runs end badly, or nearly. */
const ways: Record<string, (context: { signal: AbortSignal; log: (level: 'info', text: string) => void }) => unknown> =
  {
    // A run that succeeded and left a server open must end.
    leavesServerOpen: () => createServer().listen(0, '127.0.0.1'),
    neverSettles: () => new Promise(() => {}),
    strayRejection: ({ signal }) => {
      void Promise.reject(new Error('VENDOR_DOWN.STRAY'))
      return untilAborted(signal)
    },
    strayNull: ({ signal }) => {
      void Promise.reject(null)
      return untilAborted(signal)
    },
    strayException: ({ signal }) => {
      setImmediate(() => {
        throw new Error('LOST')
      })
      return untilAborted(signal)
    },
    waitsForSignal: ({ signal, log }) => {
      log('info', 'waiting')
      return untilAborted(signal)
    },
    ignoresSignal: ({ log }) => {
      log('info', 'waiting')
      return new Promise(() => void setInterval(() => {}, 1000))
    },
    throwsNull: () => Promise.reject(null),
    throwsText: () => Promise.reject('LOGIN_FAILED.BLOCKED'),
    throwsObject: () => Promise.reject({ code: 1 }),
    saysMuch: ({ log }) => log('info', 'é'.repeat(200_000)),
  }

function untilAborted(signal: AbortSignal): Promise<never> {
  // The timer is what a request under way is to a real konnector: something that keeps the process alive.
  const busy = setInterval(() => {}, 1000)
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => {
      clearInterval(busy)
      reject(new Error('a consequence of the abort'))
    }),
  )
}

const konnector = defineKonnector({
  manifest: { slug: 'misbehaving' },
  run: ({ parameters, signal, log }) => ways[String(parameters?.does)]?.({ signal, log }),
})

startIfMain({ default: { default: konnector } })
