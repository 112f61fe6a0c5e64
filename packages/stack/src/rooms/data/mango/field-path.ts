/** The way to a value in a document: names of members, or places in arrays. */
export type FieldPath = readonly string[]

/** `a.b` → `['a', 'b']`; a dot that belongs to the name is written `\.` (`protocol/data.md` §5). */
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

/** The one way to write a path: what `splitField` takes apart. */
export function joinField(path: FieldPath): string {
  return path.map(part => part.replaceAll('.', '\\.')).join('.')
}

/** The value at a path; undefined where there is none (which JSON does not have). */
export function getField(value: unknown, path: FieldPath): unknown {
  let current = value
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined
    if (Array.isArray(current) && !isPlace(name)) return undefined
    current = (current as Record<string, unknown>)[name]
  }
  return current
}

/** Whether a name is a place in an array, as both JavaScript and PostgreSQL read it. */
export const isPlace = (name: string): boolean => /^(0|[1-9]\d{0,8})$/.test(name)

/** Only these fields of a document; dotted names give nested objects, missing ones nothing. */
export function projectFields(doc: object, fields: readonly FieldPath[]): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const path of fields) {
    const value = getField(doc, path)
    if (value === undefined) continue
    let target = result
    for (const name of path.slice(0, -1)) {
      const inner = Object.hasOwn(target, name) ? target[name] : undefined
      // A copy: what lies there may be the document's own.
      const next = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {}
      define(target, name, next)
      target = next as Record<string, unknown>
    }
    define(target, path.at(-1)!, value)
  }
  return result
}

/** Assignment would call the setter of `__proto__`. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
}
