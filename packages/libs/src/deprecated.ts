import { log } from './log.ts'

/**
 * @param name what to use instead
 * @returns the same function, which says at each call that it has another name now; `this` and all arguments are kept
 */
export function deprecated<T, P extends unknown[], R>(
  wrapped: (this: T, ...parameters: P) => R,
  old: string,
  name: string,
): (this: T, ...parameters: P) => R {
  return function (this: T, ...parameters: P): R {
    log('warn', `${old} is deprecated: use ${name}`)
    return wrapped.apply(this, parameters)
  }
}
