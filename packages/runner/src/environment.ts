import { RunnerError } from './errors.ts'

/**
 * Which variables a caller may set: the ecosystem's and those that change how Node and time behave. Not NODE_OPTIONS, LD_PRELOAD
 * and the like, which the program that builds the jail would obey outside it.
 */
export const ALLOWED_NAMES =
  /^(COZY_[A-Z0-9_]+|KONNECTORY_[A-Z0-9_]+|SENTRY_[A-Z0-9_]+|LOG_LEVEL|DEBUG|TZ|NO_COLOR|NODE_ENV|NODE_EXTRA_CA_CERTS)$/

/** Linux: MAX_ARG_STRLEN, 32 pages for one `NAME=value` with its final zero. */
const MAX_BYTES = 131_072

/** @throws RunnerError `environment` */
export function checkEnvironment(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (!ALLOWED_NAMES.test(name) || name === 'KONNECTORY_GATE') {
      throw new RunnerError('environment', `The variable ${JSON.stringify(name)} is not one a konnector is given.`)
    }
    if (value.includes('\0')) throw new RunnerError('environment', `${name} contains a zero byte.`)
    if (Buffer.byteLength(name) + Buffer.byteLength(value) + 2 > MAX_BYTES) {
      throw new RunnerError('environment', `${name} is longer than the ${MAX_BYTES} bytes a variable may have.`)
    }
  }
}
