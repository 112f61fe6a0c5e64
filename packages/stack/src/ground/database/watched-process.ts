import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { handsOver, type ServiceUser } from './service-user.ts'

/** PostgreSQL's words: TERM waits for clients, INT sends them away, QUIT gives up at once and recovers at the next start. */
export type Signal = 'TERM' | 'INT' | 'QUIT'

export interface End {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A child that cannot outlive this process. */
export interface WatchedProcess {
  /** Of the guardian shell; the process itself is its child. */
  guardian: number | undefined
  signal(name: Signal): void
  /** Resolves when the process is gone; never rejects. A process that could not be started ends with code 127. */
  ended: Promise<End>
}

export interface WatchedOptions {
  command: string
  args: string[]
  user: ServiceUser
  cwd: string
  env: Record<string, string>
  /** What the process gets when our end of the pipe goes away. */
  atOurEnd: Signal
  onLine(line: string): void
}

/**
 * The guardian (storage.md §6.3). It holds a pipe from us: each line is a signal to pass on, and its end means that we are
 * gone, by `kill -9` too. Two shells, so that one waits for the process while the other reads; the process keeps neither
 * the pipe nor the watcher. As the process's parent the guardian also reaps it: an unreaped postmaster passes for a live
 * one (§6.7), and in a container nobody else might.
 */
const GUARDIAN = `
exec 3<&0 </dev/null
at_our_end=$1; shift
"$@" 3<&- &
process=$!
(
  while read -r name; do kill -s "$name" "$process" 2>/dev/null; done
  kill -s "$at_our_end" "$process" 2>/dev/null
) <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$process"
code=$?
kill -s TERM "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
exit "$code"
`

/** Starts a process under its guardian, in a session of its own: a Ctrl-C in our terminal is for us, who then stop it in order. */
export function startWatched(options: WatchedOptions): WatchedProcess {
  const { command, args, user, cwd, env, atOurEnd, onLine } = options
  const identity = handsOver(user) ? { uid: user.uid, gid: user.gid } : {}
  const child: ChildProcess = spawn('/bin/sh', ['-c', GUARDIAN, 'guardian', atOurEnd, command, ...args], {
    ...identity,
    cwd,
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream! }).on('line', onLine)
  const pipe = child.stdin as Writable
  // EPIPE: the process ended while we spoke; `ended` tells.
  pipe.on('error', () => {})

  const ended = new Promise<End>(resolve => {
    child.once('error', error => {
      onLine(`the process could not be started: ${error.message}`)
      resolve({ code: 127, signal: null })
    })
    // A guardian killed from outside leaves the process to its watcher, for whom we are then gone.
    child.once('exit', () => pipe.end())
    // `close`, not `exit`: all lines have been read by then, and nobody is left who could write one.
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    guardian: child.pid,
    signal: name => void (pipe.writable && pipe.write(`${name}\n`)),
    ended,
  }
}
