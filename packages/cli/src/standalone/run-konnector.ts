import { createClient } from '@konnectory/client'
import {
  createLocalStack,
  DataFileInUseError,
  DataFileNotSavedError,
  type LocalStack,
  lockDataFile,
  type StackEvent,
} from '@konnectory/standalone'
import type { Exchange } from '../record/exchange.ts'
import { forwarder, passUpgrade } from '../record/forward.ts'
import { type GatewayOptions, startGateway } from '../record/gateway.ts'
import { UsageError } from '../terminal/output.ts'
import { konnectorEnvironment } from './environment.ts'
import { type KonnectorEnd, type KonnectorProcessOptions, runKonnectorProcess } from './konnector-process.ts'
import { carriesOtherLibraries } from './other-libraries.ts'
import type { Pins } from './pins.ts'
import type { Project } from './project.ts'
import { type StackRequest, toStackRequest } from './stack-request.ts'

export const ACCOUNT_ID = 'default_account_id'
const ROOT_DIR_ID = 'io.cozy.files.root-dir'

/** How the konnector reaches the world. */
export type Network =
  | { kind: 'direct' }
  | { kind: 'record'; onExchange(exchange: Exchange): void }
  | { kind: 'answered'; handle: GatewayOptions['handle'] }

export interface RunKonnectorOptions {
  project: Project
  /** The bundled script. */
  script: string
  /** Folder of the files that arrive. */
  dir: string
  /** Where documents are kept. */
  dataFile: string
  /** Documents to start from, when the file exists. */
  fixture?: string | undefined
  fields: Record<string, unknown>
  parameters: unknown
  message?: Record<string, unknown> | undefined
  pins: Pins
  network: Network
  /** Epoch milliseconds: a clock that stands still, for stack and konnector. */
  clock?: number | undefined
  timeZone?: string | undefined
  /** Seconds; 0 means none. */
  timeLimit: number
  /** Seconds after the limit before a konnector that does not stop by itself is ended; a server gives 5. */
  margin?: number
  env: NodeJS.ProcessEnv
  colours: boolean
  onEvent?(event: StackEvent): void
  onLine: KonnectorProcessOptions['onLine']
  onUpload?(name: string, bytes: number, total: number | undefined): void
  /** The konnector waits for a code: the answer is written into the account; undefined gives none. */
  onTwoFactor?(state: string): Promise<string | undefined>
  signal?: AbortSignal | undefined
}

/** What a run did. */
export interface KonnectorRun extends KonnectorEnd {
  events: StackEvent[]
  requests: StackRequest[]
  /** Documents by doctype when the run ended; for files, files only. */
  documents: Map<string, number>
  /** Why the data file could not be written at the end. */
  notSaved?: string
}

/** What a konnector without a limit is told: it computes with the number. */
const ONE_DAY = 86_400

/** Runs the konnector once against a local stack of its own. Leaves nothing open. */
export async function runKonnector(options: RunKonnectorOptions): Promise<KonnectorRun> {
  const events: StackEvent[] = []
  const requests: StackRequest[] = []
  const closers: (() => Promise<unknown>)[] = []
  const { clock } = options
  let run: KonnectorRun | undefined
  try {
    let twoFactor: ((event: StackEvent) => void) | undefined
    closers.push(await takeDataFile(options.dataFile))
    const stack = createLocalStack({
      root: options.dir,
      dataFile: options.dataFile,
      alone: true,
      ...(options.fixture ? { fixture: options.fixture } : {}),
      account: { id: ACCOUNT_ID, auth: options.fields },
      slug: options.project.slug,
      ...(clock === undefined ? {} : { clock: () => new Date(clock) }),
      onEvent: event => {
        events.push(event)
        options.onEvent?.(event)
        twoFactor?.(event)
      },
    })
    closers.push(async () => {
      // What the konnector did must be told first.
      await stack.flush().catch(error => {
        if (!run || !(error instanceof DataFileNotSavedError)) throw error
        run.notSaved = error.message
      })
    })
    const listening = await stack.listen({
      onAnswer: answer => requests.push(toStackRequest(answer)),
      ...(options.onUpload ? { onUpload: options.onUpload } : {}),
    })
    closers.push(async () => listening.close())
    // In process: what we ask ourselves is none of the konnector's requests.
    const client = createClient({ url: listening.url, fetch: stack.fetch })
    const gateway = await openGateway(options)
    if (gateway) closers.push(() => gateway.close())

    const failures: unknown[] = []
    const answers: Promise<void>[] = []
    twoFactor = event => {
      const state = askedState(event)
      if (!state || !options.onTwoFactor) return
      const answer = options.onTwoFactor(state).then(async code => {
        if (code) await client.data.updateAttributes('io.cozy.accounts', ACCOUNT_ID, { twoFACode: code })
      })
      answers.push(answer.catch(error => void failures.push(error)))
    }

    const limited = options.timeLimit > 0
    const end = await runKonnectorProcess({
      script: options.script,
      cwd: options.project.root,
      env: konnectorEnvironment({
        base: options.env,
        root: options.project.root,
        stackUrl: listening.url,
        stackToken: listening.token,
        stackPort: Number(new URL(listening.url).port),
        accountId: ACCOUNT_ID,
        folderId: ROOT_DIR_ID,
        parameters: options.parameters,
        message: options.message,
        slug: options.project.slug,
        timeLimit: limited ? options.timeLimit : ONE_DAY,
        pins: options.pins,
        gateway,
        clock,
        timeZone: options.timeZone,
        colours: options.colours,
        otherLibraries: await carriesOtherLibraries(options.script),
      }),
      ...(limited ? { limit: (options.timeLimit + (options.margin ?? 5)) * 1000 } : {}),
      onLine: options.onLine,
      signal: options.signal,
    })
    if (failures.length > 0) throw failures[0]
    run = { ...end, events, requests, documents: countDocuments(stack, options, events, requests) }
    return run
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/** @throws UsageError when another run has it: each would overwrite what the other saves */
async function takeDataFile(dataFile: string): Promise<() => Promise<void>> {
  try {
    return await lockDataFile(dataFile)
  } catch (error) {
    if (!(error instanceof DataFileInUseError)) throw error
    throw new UsageError(`${error.message} Wait until it has ended, or save elsewhere: --dir <path>.`)
  }
}

async function openGateway({ network, pins }: RunKonnectorOptions) {
  if (network.kind === 'direct') return undefined
  if (network.kind === 'answered') return startGateway({ handle: network.handle })
  return startGateway({ handle: forwarder({ pins, onExchange: network.onExchange }), upgrade: passUpgrade(pins) })
}

/** @returns the state when an account has just begun to wait for a code */
function askedState(event: StackEvent): string | undefined {
  if (event.kind !== 'document' || event.doctype !== 'io.cozy.accounts' || event.action === 'deleted') return undefined
  const { state, twoFACode } = event.doc as { state?: unknown; twoFACode?: unknown }
  if (typeof state !== 'string' || !state.startsWith('TWOFA_NEEDED') || twoFACode) return undefined
  const before = event.before as { state?: unknown; twoFACode?: unknown } | undefined
  // A second update while we already ask, for instance of the account's data.
  return before?.state === state && !before.twoFACode ? undefined : state
}

function countDocuments(
  stack: LocalStack,
  options: RunKonnectorOptions,
  events: StackEvent[],
  requests: StackRequest[],
): Map<string, number> {
  const doctypes = new Set([
    'io.cozy.files',
    ...(options.project.manifest?.manifest.permissions ?? []).map(({ type }) => type),
  ])
  for (const event of events) if (event.kind === 'document') doctypes.add(event.doctype)
  for (const { doctype } of requests) if (doctype) doctypes.add(doctype)
  const counts = new Map<string, number>()
  for (const doctype of doctypes) {
    // Accounts are ours; a wildcard of the manifest is no doctype.
    if (doctype === 'io.cozy.accounts' || !/^[\w.-]+$/.test(doctype) || doctype.endsWith('.*')) continue
    let count = 0
    for (const doc of stack.stored(doctype)) {
      if (doctype !== 'io.cozy.files' || (doc.type === 'file' && doc.trashed !== true)) count++
    }
    if (count > 0) counts.set(doctype, count)
  }
  return counts
}
