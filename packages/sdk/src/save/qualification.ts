/**
 * A qualification as plain data, for storing and comparing (`sdk/exports.md`, Qualification trap).
 * Model objects are asked for their plain form. `icon` is left out: newer models add it, files saved by older ones lack
 * it, and with it every such file would look changed.
 */
export function plainQualification(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const model = value as { toQualification?: () => object }
  const plain = typeof model.toQualification === 'function' ? model.toQualification() : value
  const { icon: _icon, ...rest } = plain as Record<string, unknown>
  return asJson(rest)
}

/** The value as JSON would carry it: dates as text, nothing undefined, no class. */
export function asJson<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value))
}

/** Deep equality of JSON values; the order of an object's members does not count. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every(
      name =>
        Object.hasOwn(right, name) &&
        sameJson((left as Record<string, unknown>)[name], (right as Record<string, unknown>)[name]),
    )
  )
}
