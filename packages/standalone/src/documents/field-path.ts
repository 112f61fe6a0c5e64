/** What `getField` gives for a field that the document does not have (`undefined` is not a JSON value, null is one). */
export const MISSING: unique symbol = Symbol('missing')

/** `a.b` → `['a', 'b']`; a dot that belongs to the name is written `\.` (`protocol/data.md` section 5). */
export function splitField(field: string): string[] {
  const parts: string[] = []
  let part = ''
  for (let i = 0; i < field.length; i++) {
    if (field[i] === '\\' && field[i + 1] === '.') part += field[++i]
    else if (field[i] !== '.') part += field[i]
    else {
      parts.push(part)
      part = ''
    }
  }
  return [...parts, part]
}

/** The value at this path, through objects and, by number, arrays. */
export function getField(value: unknown, path: readonly string[]): unknown {
  let current = value
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return MISSING
    current = (current as Record<string, unknown>)[name]
  }
  return current
}

/** Only these fields of the document; dotted names give nested objects, missing ones nothing. */
export function projectFields(doc: object, fields: readonly string[]): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const field of fields) {
    const path = splitField(field)
    const value = getField(doc, path)
    if (value === MISSING) continue
    let target = result
    for (const name of path.slice(0, -1)) {
      const inner = Object.hasOwn(target, name) ? target[name] : undefined
      const next = typeof inner === 'object' && inner !== null ? { ...inner } : {}
      define(target, name, next)
      target = next as Record<string, unknown>
    }
    define(target, path.at(-1)!, value)
  }
  return result
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
}
