import { Stream } from 'node:stream'

type Part = { value: unknown; options?: unknown }

const isPart = (value: unknown): value is Part =>
  value !== null && typeof value === 'object' && Object.hasOwn(value, 'value') && Object.hasOwn(value, 'options')

/**
 * Makes every value of a `formData` option one that can be sent. A boolean used to end the process with an uncaught
 * error (FIX-7 of exports.md); it is now sent as text, as are bigints and dates; null is an empty field.
 * @param formData field name → string, number, boolean, Date, Buffer, stream, `{value, options}`, or an array of them
 * @returns the same fields with sendable values; fields that are undefined are left out
 * @throws {TypeError} for a value that has no form: a plain object, a function, a symbol
 */
export function sendableFormData(formData: Record<string, unknown>): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(formData)) {
    if (value === undefined) continue
    fields[name] = Array.isArray(value)
      ? value.filter(item => item !== undefined).map(item => sendableField(name, item))
      : sendableField(name, value)
  }
  return fields
}

function sendableField(name: string, value: unknown): unknown {
  return isPart(value) ? { ...value, value: sendableValue(name, value.value) } : sendableValue(name, value)
}

function sendableValue(name: string, value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  if (Buffer.isBuffer(value)) return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  // A Request, an http response or a pdfjs document has `pipe` without being a Readable.
  if (value instanceof Stream || typeof (value as { pipe?: unknown }).pipe === 'function') return value
  throw new TypeError(
    `formData: the value of "${name}" cannot be sent in a form; ` +
      'give a string, number, boolean, Date, Buffer, stream or {value, options}',
  )
}
