import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'

/** Asks the person at the terminal, or reads lines of a pipe. Nothing is read before the first question. */
export interface Asker {
  /** @returns the answer without surrounding space, undefined when the input has ended */
  ask(question: string, options?: { hidden?: boolean }): Promise<string | undefined>
  close(): void
}

type Input = NodeJS.ReadableStream & { isTTY?: boolean }

export function createAsker(input: Input, output: NodeJS.WritableStream): Asker {
  let lines: Interface | undefined
  let hidden = false
  const early: string[] = []
  const waiting: ((line: string | undefined) => void)[] = []
  let ended = false

  const open = (): void => {
    if (lines) return
    // What is typed is echoed through here, so that a password is not.
    const echo = new Writable({
      write(chunk, _encoding, done) {
        if (!hidden) output.write(chunk)
        done()
      },
    })
    lines = createInterface({ input, output: echo, terminal: input.isTTY === true })
    lines.on('line', line => {
      const next = waiting.shift()
      if (next) next(line)
      else early.push(line)
    })
    lines.on('close', () => {
      ended = true
      for (const next of waiting.splice(0)) next(undefined)
    })
    // Raw mode hands Ctrl-C to readline instead of the process.
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  }

  return {
    async ask(question, options = {}) {
      open()
      output.write(question)
      hidden = options.hidden === true
      const answer =
        early.shift() ?? (ended ? undefined : await new Promise<string | undefined>(resolve => waiting.push(resolve)))
      if (hidden || input.isTTY !== true || answer === undefined) output.write('\n')
      hidden = false
      return answer?.trim()
    },
    close: () => lines?.close(),
  }
}
