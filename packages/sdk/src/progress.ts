import type { Logger } from './logger.ts'

/** What the owner sees of a run while it lasts: log lines of type `info` with further members. */
export interface Progress {
  /** A new step: `{"type":"info","label":"stage","stage":"bills","message":"bills"}`. */
  stage(name: string): void
  /**
   * How far the step is: `{"type":"info","label":"progress","stage":"bills","done":3,"total":40,"message":"3/40"}`.
   * Lines closer than 250 ms to the one before are left out, except the first and the last of a step.
   */
  update(done: number, total?: number): void
}

/** Every line goes to the owner's pages in real time; a line per document of thousands helps nobody. */
const QUIET = 250

export function createProgress(log: Logger, now: () => number = Date.now): Progress {
  let stage: string | undefined
  let lastTime = Number.NEGATIVE_INFINITY
  return {
    stage(name) {
      stage = name
      lastTime = Number.NEGATIVE_INFINITY
      log.structured('info', name, 'stage', { stage: name })
    },
    update(done, total) {
      const time = now()
      if (time - lastTime < QUIET && done !== total) return
      lastTime = time
      const message = total === undefined ? String(done) : `${done}/${total}`
      log.structured('info', message, 'progress', { stage, done, total })
    },
  }
}
