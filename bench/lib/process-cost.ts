import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What one process cost, from its start to its exit. */
export interface Cost {
  /** CPU time, user and system, milliseconds. */
  cpuMs: number
  /** Peak resident memory, MiB. */
  peakMb: number
  wallMs: number
  code: number | null
  output: string
}

/** Runs `node ...args` once and measures that process itself (not its children). */
export async function costOf(args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const report = join(folder, 'cost.json')
  const started = performance.now()
  try {
    const child = spawn(process.execPath, ['--require', join(import.meta.dirname, 'probe.cjs'), ...args], {
      cwd: options.cwd ?? folder,
      env: { PATH: process.env.PATH, ...options.env, BENCH_PROBE: report },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
    const wallMs = performance.now() - started
    return { ...JSON.parse(readFileSync(report, 'utf8')), wallMs, code, output }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs every candidate `rounds` times, interleaved so that a busy moment hits all alike; the median cost of each. */
export async function medianCosts<Name extends string>(
  candidates: Record<Name, () => Promise<Cost>>,
  rounds: number,
): Promise<Record<Name, Cost>> {
  const runs = Object.fromEntries(Object.keys(candidates).map(name => [name, []])) as unknown as Record<Name, Cost[]>
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(candidates) as Name[]) runs[name].push(await candidates[name]())
  }
  return Object.fromEntries(
    (Object.entries(runs) as [Name, Cost[]][]).map(([name, costs]) => [
      name,
      {
        ...costs[0],
        cpuMs: median(costs.map(cost => cost.cpuMs)),
        peakMb: median(costs.map(cost => cost.peakMb)),
        wallMs: median(costs.map(cost => cost.wallMs)),
      },
    ]),
  ) as Record<Name, Cost>
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
