import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface TreeRun {
  wallMs: number
  code: number | null
  output: string
  /** Greatest peak memory of any single process of the tree, MiB, by its role. */
  peaks: Record<string, number>
}

/**
 * Runs a command and follows it and its descendants through /proc (Linux). Memory is the kernel's own high-water mark,
 * read often enough that only a process shorter than 20 ms is missed.
 */
export async function runTree(
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; role(cmdline: string): string },
): Promise<TreeRun> {
  const started = performance.now()
  const child = spawn(process.execPath, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  const peaks: Record<string, number> = {}
  const look = () => {
    for (const pid of descendants(child.pid!)) {
      const peak = highWater(pid)
      if (!peak) continue
      const role = options.role(peak.cmdline)
      peaks[role] = Math.max(peaks[role] ?? 0, peak.mb)
    }
  }
  const timer = setInterval(look, 20)
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  clearInterval(timer)
  return { wallMs: performance.now() - started, code, output, peaks }
}

function descendants(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = readProc(name, 'stat')
      ?.replace(/^.*\) /, '')
      .split(' ')[1]
    if (parent) children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(name)])
  }
  const found = [pid]
  for (const next of found) found.push(...(children.get(next) ?? []))
  return found
}

function highWater(pid: number): { mb: number; cmdline: string } | undefined {
  const kb = readProc(String(pid), 'status')?.match(/^VmHWM:\s+(\d+)/m)?.[1]
  return kb
    ? { mb: Number(kb) / 1024, cmdline: readProc(String(pid), 'cmdline')?.replaceAll('\0', ' ') ?? '' }
    : undefined
}

/** A process may end between two reads: that is no error. */
function readProc(pid: string, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}
