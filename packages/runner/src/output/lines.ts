import { decodeBeginning } from './message.ts'

export interface CutLine {
  text: string
  /** Bytes of the whole line, when `text` is its beginning. */
  cutFrom?: number
}

/**
 * Splits a stream of bytes into lines without ever holding more than `lineBytes` of one: what comes before the next line
 * feed is counted and let go. Upstream stops reading there, and the konnector then waits for ever on a full pipe.
 */
export class LineSplitter {
  readonly #limit: number
  readonly #onLine: (line: CutLine) => void
  #parts: Buffer[] = []
  #kept = 0
  #seen = 0

  constructor(lineBytes: number, onLine: (line: CutLine) => void) {
    this.#limit = lineBytes
    this.#onLine = onLine
  }

  push(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#take(chunk.subarray(from, end))
      this.#finish()
      from = end + 1
    }
    this.#take(chunk.subarray(from))
  }

  /** The last line may lack its end. */
  end(): void {
    if (this.#seen > 0) this.#finish()
  }

  #take(bytes: Buffer): void {
    this.#seen += bytes.length
    const room = this.#limit - this.#kept
    if (room <= 0 || bytes.length === 0) return
    // A copy: a piece of a chunk would keep all of it alive.
    const part = Buffer.from(bytes.subarray(0, room))
    this.#parts.push(part)
    this.#kept += part.length
  }

  #finish(): void {
    const bytes = Buffer.concat(this.#parts)
    const isCut = this.#seen > this.#kept
    const line: CutLine = isCut
      ? { text: decodeBeginning(bytes), cutFrom: this.#seen }
      : { text: bytes.toString('utf8').replace(/\r$/, '') }
    this.#parts = []
    this.#kept = 0
    this.#seen = 0
    this.#onLine(line)
  }
}
