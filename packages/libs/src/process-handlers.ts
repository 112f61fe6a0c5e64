import { namespace } from './log.ts'

const log = namespace('Error Interception')

type Target = Pick<NodeJS.Process, 'on' | 'removeListener'>

let attached = false

/** What a thrown value says; `UNKNOWN_ERROR` for nothing at all (FIX-2). */
export function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown }
  return String(message || error || 'UNKNOWN_ERROR')
}

/**
 * Makes what nobody catches, and signals, end the job with a critical line (`sdk/exports.md` section 3):
 * uncaught errors exit with 1, SIGTERM with 143, SIGINT with 130.
 * @param target process, or what stands for it in a test
 * @returns a function that removes the handlers; undefined when they are there already
 */
export function attachProcessEventHandlers(target: Target = process): (() => void) | undefined {
  if (attached) return undefined
  attached = true
  const die = (message: string, code: number, label?: string) => {
    log.critical(message, label)
    process.exit(code)
  }
  const handlers: Record<string, (...parameters: unknown[]) => void> = {
    uncaughtException: error => die(messageOf(error), 1, 'uncaught exception'),
    unhandledRejection: error => die(messageOf(error), 1, 'unhandled exception'),
    SIGTERM: () => die('The konnector got a SIGTERM', 128 + 15),
    SIGINT: () => die('The konnector got a SIGINT', 128 + 2),
  }
  for (const [event, handler] of Object.entries(handlers)) target.on(event, handler)
  return () => {
    attached = false
    for (const [event, handler] of Object.entries(handlers)) target.removeListener(event, handler)
  }
}
