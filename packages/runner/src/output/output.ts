import type { OutputLine, RunLimits } from '../types.ts'
import { LineSplitter } from './lines.ts'
import { readMessage } from './message.ts'

export interface OutputOptions {
  limits: Pick<RunLimits, 'lineBytes' | 'lines' | 'stderrBytes' | 'outputMb'>
  onLine(line: OutputLine): void
  /** More than `outputMb` have come. */
  onFlood(): void
}

const outOfMemory =
  /heap out of memory|Fatal (?:JavaScript|process) (?:out of memory|invalid size)|process out of memory/

/** Everything a run says: split, cut, counted, and passed on while there is room. */
export class Output {
  readonly #options: OutputOptions
  readonly #stdout: LineSplitter
  readonly #stderr: LineSplitter
  #bytes = 0
  #stderrBytes = 0
  /** The last of what decides the outcome, when it came too late to be passed on (konnector-runtime.md §5). */
  readonly #late = new Map<string, OutputLine>()
  lines = 0
  readonly dropped = { lines: 0, bytes: 0, cutLines: 0 }
  /** V8 has said that it had no memory left. */
  sawOutOfMemory = false

  constructor(options: OutputOptions) {
    const { lineBytes } = options.limits
    this.#options = options
    this.#stdout = new LineSplitter(lineBytes, line => this.#onStdout({ stream: 'stdout', ...line }))
    this.#stderr = new LineSplitter(lineBytes, line => {
      if (outOfMemory.test(line.text)) this.sawOutOfMemory = true
      this.#options.onLine({ stream: 'stderr', ...line })
    })
  }

  stdout(chunk: Buffer): void {
    if (this.#isTooMuch(chunk)) return
    this.#stdout.push(chunk)
  }

  stderr(chunk: Buffer): void {
    if (this.#isTooMuch(chunk)) return
    const room = Math.max(0, this.#options.limits.stderrBytes - this.#stderrBytes)
    this.#stderrBytes += chunk.length
    if (chunk.length > room) {
      if (this.#stderrBytes - chunk.length <= this.#options.limits.stderrBytes) {
        this.#remark(`stderr is longer than ${this.#options.limits.stderrBytes} bytes: the rest is not kept`)
      }
      this.dropped.bytes += chunk.length - room
      if (outOfMemory.test(chunk.toString('latin1'))) this.sawOutOfMemory = true
    }
    this.#stderr.push(chunk.subarray(0, room))
  }

  /** Both streams have ended. */
  end(): void {
    this.#stdout.end()
    this.#stderr.end()
    for (const line of this.#late.values()) this.#options.onLine(line)
    this.#late.clear()
    if (this.dropped.lines > 0) this.#remark(`${this.dropped.lines} lines of output were not kept`)
  }

  #isTooMuch(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    if (this.#bytes <= this.#options.limits.outputMb * 2 ** 20) return false
    this.dropped.bytes += chunk.length
    this.#options.onFlood()
    return true
  }

  #onStdout(line: OutputLine): void {
    if (line.cutFrom !== undefined) {
      this.dropped.cutLines++
      this.dropped.bytes += line.cutFrom - Buffer.byteLength(line.text)
    }
    if (this.lines < this.#options.limits.lines) {
      this.lines++
      this.#options.onLine(line)
      return
    }
    if (this.dropped.lines === 0) {
      this.#remark(`more than ${this.#options.limits.lines} lines of output: the rest is not kept`)
    }
    this.dropped.lines++
    this.dropped.bytes += line.cutFrom ?? Buffer.byteLength(line.text)
    if (line.cutFrom === undefined && /critical|error/.test(line.text)) {
      const type = readMessage(line.text)?.type
      if (type === 'critical' || type === 'error') this.#late.set(type, line)
    }
  }

  #remark(text: string): void {
    this.#options.onLine({ stream: 'runner', text })
  }
}
