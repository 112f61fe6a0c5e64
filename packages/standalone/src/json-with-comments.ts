/** A JSON file that cannot be read: names the file and the place. Never quotes its content, which may hold secrets. */
export class JsonFileError extends Error {
  override name = 'JsonFileError'
  readonly file: string
  readonly line: number
  readonly column: number

  constructor(file: string, line: number, column: number, what: string) {
    super(
      `${file} is not valid JSON: ${what} at line ${line}, column ${column}. Put it right, or remove the file to start again.`,
    )
    this.file = file
    this.line = line
    this.column = column
  }
}

const WHITE = /[ \t\r\n]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y

/**
 * JSON in which `//` and block comments and trailing commas are accepted (`sdk/cli.md` section 2).
 * Own code rather than jsonc-parser: a konnector's bundle may contain this package, and that library's CommonJS form does not bundle.
 *
 * @param file name used in the error
 * @throws JsonFileError with the line and column, counted from 1
 */
export function parseJsonWithComments(source: string, file: string): unknown {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source
  try {
    // Ten times faster, and enough for what this stack wrote itself.
    return JSON.parse(text)
  } catch {
    return new Reader(text, file).document()
  }
}

class Reader {
  #at = 0
  readonly #text: string
  readonly #file: string

  constructor(text: string, file: string) {
    this.#text = text
    this.#file = file
  }

  document(): unknown {
    const value = this.#value()
    this.#blank()
    if (this.#at < this.#text.length) this.#fail('something follows the end of the value')
    return value
  }

  #fail(what: string, at = this.#at): never {
    const before = this.#text.slice(0, at).split('\n')
    throw new JsonFileError(this.#file, before.length, before.at(-1)!.length + 1, what)
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #blank(): void {
    for (;;) {
      this.#take(WHITE)
      if (this.#text.startsWith('//', this.#at)) {
        const end = this.#text.indexOf('\n', this.#at)
        this.#at = end === -1 ? this.#text.length : end
      } else if (this.#text.startsWith('/*', this.#at)) {
        const end = this.#text.indexOf('*/', this.#at + 2)
        if (end === -1) this.#fail('a comment is not closed')
        this.#at = end + 2
      } else return
    }
  }

  #is(mark: string): boolean {
    this.#blank()
    if (this.#text[this.#at] !== mark) return false
    this.#at++
    return true
  }

  #value(): unknown {
    if (this.#is('{')) return this.#object()
    if (this.#is('[')) return this.#array()
    if (this.#text[this.#at] === '"') return this.#string()
    const scalar = this.#take(WORD) ?? this.#take(NUMBER)
    if (scalar === undefined)
      this.#fail(this.#at >= this.#text.length ? 'the text ends too early' : 'a value was expected')
    return JSON.parse(scalar)
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    while (!this.#is('}')) {
      if (this.#text[this.#at] !== '"') this.#fail('a name between double quotes or a closing brace was expected')
      const name = this.#string()
      if (!this.#is(':')) this.#fail('a colon was expected')
      const value = this.#value()
      // Not an assignment: "__proto__" is a name like any other in JSON.
      Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
      if (!this.#is(',') && this.#text[this.#at] !== '}') this.#fail('a comma or a closing brace was expected')
    }
    return object
  }

  #array(): unknown[] {
    const array: unknown[] = []
    while (!this.#is(']')) {
      array.push(this.#value())
      if (!this.#is(',') && this.#text[this.#at] !== ']') this.#fail('a comma or a closing bracket was expected')
    }
    return array
  }

  #string(): string {
    const start = this.#at
    for (let end = start + 1; end < this.#text.length; end++) {
      const mark = this.#text[end]
      if (mark === '\\') end++
      else if (mark === '\n') break
      else if (mark === '"') {
        this.#at = end + 1
        try {
          return JSON.parse(this.#text.slice(start, this.#at)) as string
        } catch {
          this.#fail('a text holds a character or an escape that JSON refuses', start)
        }
      }
    }
    this.#fail('a text is not closed on its line', start)
  }
}
