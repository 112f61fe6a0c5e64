import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StackEvent } from '@konnectory/standalone'
import type { DevConfig } from '../project/dev-config.ts'
import type { GatewayOptions } from '../record/gateway.ts'
import type { Har } from '../record/har.ts'
import { createReplayer, type Replayer, type ReplayerOptions } from '../record/replayer.ts'
import { outcomeOf } from '../standalone/outcome.ts'
import type { Project, RunnableScript } from '../standalone/project.ts'
import { type KonnectorRun, runKonnector } from '../standalone/run-konnector.ts'

/** Seconds: a replay waits for nobody. */
const TIME_LIMIT = 120

/** What all checks share. */
export interface Bench {
  project: Project
  script: RunnableScript
  har: Har
  config: DevConfig
  env: NodeJS.ProcessEnv
  signal?: AbortSignal | undefined
}

/** One run of the konnector in the battery. */
export interface Trial {
  run: KonnectorRun
  outcome: string
  /** Everything it printed. */
  lines: string[]
  replayer: Replayer | undefined
}

/** An empty folder for files and documents, removed at the end. */
export async function withFolder<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'konnectory-test-'))
  try {
    return await use(dir)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Replays `har` (default: the bench's) into `dir`. */
export async function replayInto(
  dir: string,
  bench: Bench,
  har = bench.har,
  options: ReplayerOptions = {},
): Promise<Trial> {
  const replayer = createReplayer(har, options)
  return tryOut(dir, bench, har, request => replayer.handle(request), replayer)
}

/** Runs with every request answered by `handle`. */
export async function tryOut(
  dir: string,
  bench: Bench,
  har: Har,
  handle: GatewayOptions['handle'],
  replayer?: Replayer,
): Promise<Trial> {
  const { project, config } = bench
  const { recordedAt, timeZone, fields, twoFactorCodes = [] } = har.log._konnectory
  const codes = [...twoFactorCodes]
  const lines: string[] = []
  const fixture = join(project.root, 'fixture.json')
  const run = await runKonnector({
    project,
    script: bench.script.file,
    dir,
    dataFile: join(dir, 'importedData.json'),
    fixture: existsSync(fixture) ? fixture : undefined,
    // What the recording knows wins: pages and requests hold those values.
    fields: { ...config.fields, ...fields },
    parameters: config.COZY_PARAMETERS,
    message: config.COZY_FIELDS,
    pins: {},
    network: { kind: 'answered', handle },
    clock: Date.parse(recordedAt),
    timeZone,
    timeLimit: TIME_LIMIT,
    env: bench.env,
    colours: false,
    onLine: line => lines.push(line),
    onTwoFactor: async () => codes.shift(),
    signal: bench.signal,
  })
  return { run, outcome: outcomeOf(run, replayer), lines, replayer }
}

/** @returns changes of the person's data: accounts keep the state of a login, which is no data. */
export function dataEvents(run: KonnectorRun): StackEvent[] {
  return run.events.filter(event => event.kind === 'file' || event.doctype !== 'io.cozy.accounts')
}

/** @returns why a trial that should have succeeded did not */
export function explainOutcome({ outcome, replayer }: Trial): string {
  const [unknown] = replayer?.unknown ?? []
  if (unknown) return `${unknown.method} ${unknown.url} is not in the recording. ${unknown.explanation}`
  return `The konnector ended with ${outcome}.`
}
