type Options = Record<string, unknown>

/** An object literal. Class instances (jars, streams, Buffers, parsed URLs, agents) are not, and pass by reference. */
function isPlainObject(value: unknown): value is Options {
  if (Object.prototype.toString.call(value) !== '[object Object]') return false
  const prototype = Object.getPrototypeOf(value)
  // Object literals of another realm (jest runs tests in a vm) have another Object.prototype: look for its mark instead.
  return prototype === null || Object.hasOwn(prototype, 'isPrototypeOf')
}

/**
 * Deep merge of request options (exports.md section 5, "Returned object"): plain objects and arrays merge by key,
 * `undefined` never overrides, everything else replaces and passes by reference.
 * @param sources least important first; they are not changed
 * @returns a new object that shares no plain object or array with the sources
 */
export function mergeOptions(...sources: (Options | null | undefined)[]): Options {
  const target: Options = {}
  for (const source of sources) mergeInto(target, source)
  return target
}

function mergeInto(target: Options, source: Options | null | undefined): void {
  // for…in, not Object.keys: options made with Object.create(defaults) are accepted.
  for (const key in source) {
    const value = source[key]
    if (value === target || value === undefined) continue
    if (key === '__proto__') {
      Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
    } else if (Array.isArray(value)) {
      const merged = Array.isArray(target[key]) ? target[key] : []
      mergeInto(merged as unknown as Options, value as unknown as Options)
      target[key] = merged
    } else if (isPlainObject(value)) {
      const merged = isPlainObject(target[key]) ? target[key] : {}
      mergeInto(merged, value)
      target[key] = merged
    } else {
      target[key] = value
    }
  }
}
