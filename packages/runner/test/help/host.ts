import { readdirSync, readFileSync } from 'node:fs'

/** Processes of this machine with a text in their arguments: what a run has left behind, when it was given one of its own. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text)
      } catch {
        // Ended since the list was made.
        return false
      }
    })
    .map(Number)
}

let made = 0
/** A text no other process has. */
export function marker(): string {
  return `hostile-${process.pid}-${++made}`
}
