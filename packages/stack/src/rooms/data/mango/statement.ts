/** A statement in the making: its text holds places, never values. */
export class Statement {
  readonly values: unknown[] = []
  readonly #places = new Map<string, string>()

  /** A value's place, `$3::jsonb`. One that is already there is not sent twice. */
  at(value: unknown, type: 'text' | 'jsonb' | 'text[]' | 'jsonb[]' | 'uuid' | 'numeric' | 'bigint'): string {
    // A place has one type: the same text as `text` and as `jsonb` are two.
    const known = `${type} ${typeof value === 'string' ? value : JSON.stringify(value)}`
    const place = this.#places.get(known) ?? `$${this.values.push(value)}::${type}`
    this.#places.set(known, place)
    return place
  }
}

/** A text inside a statement, for what an index's definition must hold itself: it takes no parameters. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** A `text[]` inside a statement. */
export function quoteTexts(texts: readonly string[]): string {
  const items = texts.map(text => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`)
  return `${quoteText(`{${items.join(',')}}`)}::text[]`
}
