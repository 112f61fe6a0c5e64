import type { Body } from '#ground/documents/contract'
import type { State } from './konnector.ts'

/** A konnector as it is or will be, at a moment of a change. */
export interface Stage {
  state: State
  body: Body
  /** Of the stored document; undefined before there is one. */
  rev: string | undefined
}

export type ProgressEvent = { stage: Stage } | { error: unknown }

/** A change under way. It goes on whether anybody looks or not. */
export interface Progress {
  /** The first stage: the manifest was read. Rejects with what was wrong before that. */
  readonly begun: Promise<Stage>
  /** The last stage. Rejects with what went wrong, at any time. */
  readonly done: Promise<Stage>
  /** All stages from the first on, and then the last or an error. */
  events(): AsyncGenerator<ProgressEvent>
}

/** Starts a change. `tell` is called with each stage; the last one is what the work returns. */
export function startProgress(work: (tell: (stage: Stage) => void) => Promise<Stage>): Progress {
  const told: ProgressEvent[] = []
  let ended = false
  let wake = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<Stage>()
  const say = (event: ProgressEvent, last: boolean) => {
    told.push(event)
    ended ||= last
    if ('stage' in event) begun.resolve(event.stage)
    else begun.reject(event.error)
    wake.resolve()
    wake = Promise.withResolvers()
  }
  const done = work(stage => say({ stage }, false)).then(
    stage => {
      const last = told.at(-1)
      const told_already = last !== undefined && 'stage' in last && last.stage === stage
      if (told_already) {
        ended = true
        wake.resolve()
      } else say({ stage }, true)
      return stage
    },
    error => {
      say({ error }, true)
      throw error
    },
  )
  // Whoever started it may look at one of the two, or at neither.
  begun.promise.catch(() => {})
  done.catch(() => {})
  return {
    begun: begun.promise,
    done,
    async *events() {
      for (let next = 0; ; ) {
        const waiting = wake.promise
        while (next < told.length) yield told[next++]!
        if (ended && next === told.length) return
        await waiting
      }
    },
  }
}
