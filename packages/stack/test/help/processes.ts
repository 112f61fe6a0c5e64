import { readdirSync, readFileSync } from 'node:fs'

/** Live processes whose command line contains a text, this one excepted. Linux only; elsewhere none are found. */
export function processesWith(text: string): { pid: number; uid: number; command: string }[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(name => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        const uid = Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1])
        return command.includes(text) ? [{ pid: Number(name), uid, command }] : []
      } catch {
        return []
      }
    })
}
