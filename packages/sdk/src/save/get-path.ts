/** The value at a dotted path (`a.b.0.c`, `a[0].b`), or at the very key `path`; `undefined` when something is missing. */
export function getPath(value: unknown, path: string): unknown {
  if (isObject(value) && path in value) return value[path]
  let current: unknown = value
  for (const part of path.replace(/\[(\w+)\]/g, '.$1').split('.')) {
    if (current === null || current === undefined) return undefined
    current = (current as Record<string, unknown>)[part]
  }
  return current
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
