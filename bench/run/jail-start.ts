import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRunner, type Runner } from '../../packages/runner/src/index.ts'
import type { Line } from '../lib/report.ts'

interface Times {
  /** Milliseconds to the first line of output, and to the end. */
  first: number
  end: number
}

const SOURCE = `console.log('{"type":"info","message":"first"}')`

/** A run of the runner against bare Node, and against the least a sandbox costs: bubblewrap around Node, nothing else. */
export async function jailStart(rounds: number, duration: number): Promise<Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-run-'))
  chmodSync(folder, 0o755)
  const dir = join(folder, 'konnector')
  mkdirSync(dir)
  writeFileSync(join(dir, 'index.js'), SOURCE)
  const cache = join(folder, 'cache')
  await using runner = createRunner({ cacheDirectory: cache, log: { info() {}, warn() {}, error: console.error } })
  try {
    const root = join(cache, readdirSync(cache).find(name => name.startsWith('jail-'))!)
    const candidates = {
      bare: () => processTimes(process.execPath, ['-e', SOURCE], runner),
      floor: () => processTimes('bwrap', floorArguments(root, dir), runner),
      run: () => runTimes(runner, dir),
    }
    const times = await interleaved(candidates, rounds)
    const perSecond = {
      floor: await throughput(candidates.floor, duration),
      run: await throughput(candidates.run, duration),
    }
    const line = (what: string, key: 'first' | 'end', part: number, limit?: number): Line => ({
      what,
      value: at(
        times.run.map(time => time[key]),
        part,
      ),
      unit: 'ms',
      against: {
        name: 'sandbox + node',
        value: at(
          times.floor.map(time => time[key]),
          part,
        ),
      },
      ...(limit !== undefined && { limit }),
    })
    return [
      line('run ready → first line, p50', 'first', 0.5, 2),
      line('run ready → first line, p95', 'first', 0.95),
      {
        what: 'the same against bare node -e 0, p50',
        value: at(
          times.run.map(({ first }) => first),
          0.5,
        ),
        unit: 'ms',
        against: {
          name: 'bare node',
          value: at(
            times.bare.map(({ first }) => first),
            0.5,
          ),
        },
      },
      line('run ready → all of it gone, p50', 'end', 0.5),
      {
        what: 'no-op runs, two at a time',
        value: perSecond.run,
        unit: '/s',
        against: { name: 'sandbox + node', value: perSecond.floor },
        atLeast: 0.6,
      },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function floorArguments(root: string, dir: string): string[] {
  return [
    ...['--unshare-all', '--die-with-parent', '--new-session', '--uid', '65534', '--gid', '65534'],
    ...[
      '--ro-bind',
      root,
      '/',
      '--proc',
      '/proc',
      '--tmpfs',
      '/tmp',
      '--ro-bind',
      dir,
      '/konnector',
      '--chdir',
      '/konnector',
    ],
    ...['--', '/usr/bin/node', '/konnector'],
  ]
}

async function processTimes(command: string, args: string[], { user }: Runner): Promise<Times> {
  const started = performance.now()
  // Node itself may lie where the konnectors' user cannot read it.
  const identity = process.getuid?.() === 0 && command === 'bwrap' ? user : {}
  const child = spawn(command, args, {
    ...identity,
    cwd: '/',
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  await once(child.stdout, 'data')
  const first = performance.now() - started
  const [code] = await exit
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
  return { first, end: performance.now() - started }
}

async function runTimes(runner: Runner, dir: string): Promise<Times> {
  const started = performance.now()
  let first = 0
  const { code } = await runner.run({
    dir,
    env: { COZY_URL: 'http://alice.localhost/', COZY_CREDENTIALS: 'x', COZY_FIELDS: '{}' },
    domains: ['vendor.test'],
    onLine: () => {
      first ||= performance.now() - started
    },
  })
  if (code !== 0) throw new Error(`the run ended with ${code}`)
  return { first, end: performance.now() - started }
}

/** Each candidate in turn, so that a busy moment of the machine hits all alike. */
async function interleaved<Name extends string>(
  candidates: Record<Name, () => Promise<Times>>,
  rounds: number,
): Promise<Record<Name, Times[]>> {
  const names = Object.keys(candidates) as Name[]
  const times = Object.fromEntries(names.map(name => [name, [] as Times[]])) as Record<Name, Times[]>
  for (let round = -2; round < rounds; round++) {
    for (const name of names) {
      const time = await candidates[name]()
      if (round >= 0) times[name].push(time)
    }
  }
  return times
}

async function throughput(one: () => Promise<Times>, duration: number): Promise<number> {
  const until = performance.now() + duration
  let done = 0
  const lane = async () => {
    while (performance.now() < until) {
      await one()
      done++
    }
  }
  const started = performance.now()
  await Promise.all([lane(), lane()])
  return (done / (performance.now() - started)) * 1000
}

function at(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
