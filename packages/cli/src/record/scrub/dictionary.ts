import { writings } from './encodings.ts'

/** Shorter values are too common to be looked for inside other text: `1`, `fr`, `OK` would tear pages apart. */
export const SHORTEST = 4
/** From this length on a value is looked for inside words too; below it must stand alone. */
const FREE_STANDING_BELOW = 8

const BASE64_RUN = /[A-Za-z0-9+/_-]{16,}={0,2}/g

/**
 * What must not be written, and what stands for it. First everything is learned, then texts are scrubbed: a token may
 * be seen in a page long before the request that shows it is one.
 */
export class Dictionary {
  readonly #placeholders = new Map<string, string>()
  readonly #typed = new Set<string>()
  readonly #counts = new Map<string, number>()
  #pattern: RegExp | undefined
  #replacements = new Map<string, string>()

  /** @returns the placeholder of a value met before, else undefined */
  get(value: string): string | undefined {
    return this.#placeholders.get(value)
  }

  /** A value with its placeholder. The first one learned for a value stays. `typed`: see `writings`. */
  set(value: string, placeholder: string, typed = false): string {
    const known = this.#placeholders.get(value)
    if (known !== undefined) return known
    this.#placeholders.set(value, placeholder)
    if (typed) this.#typed.add(value)
    this.#pattern = undefined
    return placeholder
  }

  /** A value of a kind: its placeholder is made from the number of values of that kind so far. */
  learn(value: string, kind: string, make: (count: number) => string): string {
    const known = this.#placeholders.get(value)
    if (known !== undefined) return known
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    return this.set(value, make(count))
  }

  /** @returns `text` without any learned value, in whatever encoding it stood there. */
  scrub(text: string): string {
    if (text === '' || this.#placeholders.size === 0) return text
    const pattern = this.#compile()
    const replace = (found: string): string => this.#replacements.get(found) ?? found
    const direct = text.replace(pattern, replace)
    // Basic credentials, and JSON that is sent in base64: the value sits at any offset of the encoded text.
    return direct.replace(BASE64_RUN, run => {
      const bytes = Buffer.from(run, 'base64')
      const decoded = bytes.toString()
      if (decoded.includes('\ufffd')) return run
      const scrubbed = decoded.replace(pattern, replace)
      if (scrubbed === decoded) return run
      const urlSafe = /[-_]/.test(run) || (!run.endsWith('=') && run.length % 4 !== 0)
      return Buffer.from(scrubbed).toString(urlSafe ? 'base64url' : 'base64')
    })
  }

  /** The pattern is stateless: without the `g` flag's `lastIndex` in play `replace` may nest. */
  #compile(): RegExp {
    if (this.#pattern) return this.#pattern
    this.#replacements = new Map()
    for (const [value, placeholder] of this.#placeholders) {
      if (value.length < SHORTEST) continue
      for (const [from, to] of writings(value, placeholder, this.#typed.has(value)))
        if (from.length >= SHORTEST && !this.#replacements.has(from)) this.#replacements.set(from, to)
    }
    const sources = [...this.#replacements.keys()].sort((a, b) => b.length - a.length).map(bounded)
    this.#pattern = new RegExp(sources.join('|') || '(?!)', 'g')
    return this.#pattern
  }
}

function bounded(text: string): string {
  const source = text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  if (/^\d+$/.test(text)) return `(?<!\\d)${source}(?!\\d)`
  if (text.length >= FREE_STANDING_BELOW) return source
  const before = /^[A-Za-z0-9]/.test(text) ? '(?<![A-Za-z0-9])' : ''
  const after = /[A-Za-z0-9]$/.test(text) ? '(?![A-Za-z0-9])' : ''
  return before + source + after
}
