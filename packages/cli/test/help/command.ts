import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Command {
  child: ChildProcess
  /** What came so far. */
  output(): string
  /** Resolves when there is such a text in the output, with the match; rejects when the command ends without it. */
  says(text: RegExp): Promise<RegExpExecArray>
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string }>
}

/** `konnectory ...args` as a process of its own. */
export function startCommand(args: string[], cwd: string, node: string[] = []): Command {
  const { REPLAY: _replay, FORCE_COLOR: _color, ...env } = process.env
  const bin = join(import.meta.dirname, '../../src/bin.ts')
  const child = spawn(process.execPath, [...node, bin, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let done = false
  const waiting = new Set<() => void>()
  const tell = () => {
    for (const look of waiting) look()
  }
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      output += chunk
      tell()
    })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string }>(
    (resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => {
        done = true
        tell()
        resolve({ code, signal, output })
      })
    },
  )
  return {
    child,
    output: () => output,
    ended,
    says: text =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = text.exec(output)
          if (!match && !done) return
          waiting.delete(look)
          if (match) resolve(match)
          else reject(new Error(`The command ended without ${text}:\n${output}`))
        }
        waiting.add(look)
        look()
      }),
  }
}

/** A killed process whose parent is gone stays a zombie where nobody collects it, as in most containers. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false // No such process any more.
  }
}
