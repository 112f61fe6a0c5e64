import { isDeepStrictEqual } from 'node:util'

/**
 * A document that knows how to compare itself (`sdk/exports.md` section 16). Subclasses may define `validate(attributes)`,
 * called before anything is kept, a static `version`, and `shouldSave`/`shouldUpdate` for `hydrateAndFilter`.
 */
export class Document {
  // biome-ignore lint/suspicious/noExplicitAny: attributes depend on the doctype
  [attribute: string]: any

  /** Put in `metadata.version` of documents that have none. */
  static version?: unknown

  /** @param attributes kept, but for `metadata`, which becomes `{version}` alone */
  constructor(attributes: Record<string, unknown>) {
    if (typeof this.validate === 'function') this.validate(attributes)
    const { version } = (attributes.metadata ?? {}) as { version?: unknown }
    Object.assign(this, attributes, { metadata: { version: version || (this.constructor as typeof Document).version } })
  }

  toJSON(): this {
    return this
  }

  /**
   * @param ignored names left out of the comparison
   * @param strict false: a Date equals its ISO text, which is what the stack gives back
   */
  isEqual(other: object, ignored: string[] = ['_id', '_rev'], strict = false): boolean {
    const comparable = (value: object) => {
      const kept = Object.entries(value).filter(([name]) => !ignored.includes(name))
      return plain(Object.fromEntries(kept), strict)
    }
    return isDeepStrictEqual(comparable(this), comparable(other))
  }
}

/** The same value without classes, dates as their ISO text unless `strict`. */
function plain(value: unknown, strict: boolean): unknown {
  if (value instanceof Date) return strict || Number.isNaN(value.getTime()) ? value : value.toISOString()
  if (Array.isArray(value)) return value.map(item => plain(item, strict))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner, strict)]))
}
