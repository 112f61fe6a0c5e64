import { existsSync } from 'node:fs'
import { access, constants, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { type DevConfig, readDevConfig } from '../project/dev-config.ts'
import { formatDiagnostic } from '../project/manifest.ts'
import type { Exchange } from '../record/exchange.ts'
import { loadRecording, makeRecording, saveRecording } from '../record/recorder.ts'
import { createReplayer, type Replayer } from '../record/replayer.ts'
import { createAsker } from '../terminal/ask.ts'
import { coloursFor } from '../terminal/colours.ts'
import { type Terminal, UsageError } from '../terminal/output.ts'
import { startDemoVendorFor } from './demo-vendor.ts'
import { outcomeOf } from './outcome.ts'
import { missingPermissions } from './permissions-used.ts'
import { collectPins } from './pins.ts'
import { dataDirectory, prepareConfig } from './prepare-config.ts'
import { createPrinter, type Printer } from './printer.ts'
import { bundleProject, openProject, type Project } from './project.ts'
import { type KonnectorRun, type Network, runKonnector } from './run-konnector.ts'
import { createSecretMask, type SecretMask } from './secrets.ts'
import { summarise } from './summary.ts'

export interface StandaloneOptions {
  /** Script, relative to the working directory. */
  file?: string | undefined
  json?: boolean | undefined
  /** Folder for files and data, relative to the working directory. */
  dir?: string | undefined
  record?: boolean | undefined
  replay?: boolean | undefined
  /** Name of the recording: `fixtures/<as>.har`. */
  as?: string | undefined
  keepFiles?: boolean | undefined
  host?: string[] | undefined
  /** Seconds, 0 for none. */
  timeLimit?: number | undefined
}

export const DEFAULT_RECORDING = 'standalone'
/** What a server gives a konnector. */
export const DEFAULT_TIME_LIMIT = 300
/** Exit codes of a process ended by a signal: 128 + its number. */
const SIGNAL_CODES: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }

/** `fixtures/<name>.har` of a project. */
export function recordingFile(root: string, name: string): string {
  return join(root, 'fixtures', `${name.replace(/\.har$/, '')}.har`)
}

/**
 * Runs a konnector without a server (`sdk/cli.md` section 3, `sdk/stub.md` section 6).
 * @returns the exit code: 0 when the konnector succeeded, 1 when it failed or could not start, 128 + n when signal n ended the run
 */
export async function standalone(options: StandaloneOptions, terminal: Terminal): Promise<number> {
  // What passes through the stack is garbage at once: V8 would let its nursery grow to 48 MB of it.
  setFlagsFromString('--semi-space-growth-factor=1')
  const root = terminal.cwd
  const colours = coloursFor(terminal.stdout, terminal.env)
  const mode = networkMode(options, terminal.env)
  const recording = recordingFile(root, options.as ?? DEFAULT_RECORDING)
  const project = openProject(root, options.file, 'konnectory standalone')
  const har = mode === 'replay' ? await loadRecording(recording) : undefined
  const asker = createAsker(terminal.stdin, terminal.stderr)
  const stop = new AbortController()
  const forget = onSignals(signal => {
    stop.abort(signal)
    // Who is asked something has answered: no.
    asker.close()
  })
  const closers: (() => Promise<unknown>)[] = [async () => asker.close(), async () => forget()]
  try {
    const config = har ? ((await readDevConfig(root)) ?? {}) : await prepareConfig(project, terminal, asker)
    if (stop.signal.aborted) return SIGNAL_CODES[stop.signal.reason as NodeJS.Signals] ?? 1
    if (!config) return 1
    const fields = har ? { ...config.fields, ...har.log._konnectory.fields } : (config.fields ?? {})
    const mask = createSecretMask(fields, project.fields)
    const printer = createPrinter(terminal, colours, options.json === true, mask)
    reportManifest(project, printer)

    const dir = dataDirectory(root, options.dir, config)
    await needWritable(dir, 'Files and importedData.json go there: name another folder with --dir.')
    // Asked for now: a run that cannot be kept would be a code by text message for nothing.
    if (mode === 'record') await needWritable(dirname(recording), 'The recording goes there.')
    const pins = collectPins(config.hosts, options.host)
    // A replay is offline: nothing to start.
    if (config.demoVendor && !har) closers.push(await startDemoVendorFor(config, pins, printer))

    const script = await bundleProject(project)
    closers.push(script.remove)
    for (const warning of script.warnings) printer.warn(warning)

    const exchanges: Exchange[] = []
    const codes: string[] = []
    const recordedCodes = [...(har?.log._konnectory.twoFactorCodes ?? [])]
    const replayer = har && createReplayer(har)
    const startedAt = Date.now()
    const run = await runKonnector({
      project,
      script: script.file,
      dir,
      dataFile: join(dir, 'importedData.json'),
      fixture: existsSync(join(root, 'fixture.json')) ? join(root, 'fixture.json') : undefined,
      fields,
      parameters: config.COZY_PARAMETERS,
      message: config.COZY_FIELDS,
      pins,
      network: network(mode, exchanges, replayer),
      clock: har && Date.parse(har.log._konnectory.recordedAt),
      timeZone: har?.log._konnectory.timeZone,
      timeLimit: options.timeLimit ?? DEFAULT_TIME_LIMIT,
      env: terminal.env,
      colours: colours.enabled,
      onEvent: event => printer.event(event),
      onLine: (line, stream, log) => printer.line(line, stream, log),
      onUpload: (name, bytes, total) => printer.upload(name, bytes, total),
      onTwoFactor: async state => {
        // A replay needs nobody: it has what stands for the code of the recorded run.
        const code = har ? recordedCodes.shift() : await asker.ask(`${describeTwoFactor(state)} `)
        if (code) codes.push(code)
        else
          printer.warn('The konnector waits for a code, and there is none: it will give up after its own time limit.')
        return code
      },
      signal: stop.signal,
    })

    const outcome = outcomeOf(run, replayer)
    if (mode === 'record' && !stop.signal.aborted) {
      await record(exchanges, outcome, {
        recording,
        startedAt,
        project,
        config,
        fields,
        codes,
        keepFiles: options.keepFiles === true,
        printer,
      })
    }
    reportRun(run, mask, printer, project)
    if (replayer) reportReplay(replayer, printer)
    if (run.timedOut)
      printer.error(
        `The konnector was still running ${options.timeLimit ?? DEFAULT_TIME_LIMIT} s after its start and was ended. See --time-limit.`,
      )
    if (run.notSaved) printer.error(run.notSaved)
    printer.summary(summarise(run, outcome))
    if (stop.signal.aborted) return SIGNAL_CODES[stop.signal.reason as NodeJS.Signals] ?? 1
    return outcome === 'done' && !run.notSaved ? 0 : 1
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/** @throws UsageError when the folder cannot be made or written */
async function needWritable(folder: string, use: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (error) {
    throw new UsageError(`${folder} cannot be written. ${use} (${(error as Error).message})`)
  }
}

/** `REPLAY` counts when no option says otherwise; `bloody` is the network as it is (`sdk/cli.md` section 3). */
function networkMode(options: StandaloneOptions, env: NodeJS.ProcessEnv): 'direct' | 'record' | 'replay' {
  if (options.record && options.replay) throw new UsageError('--record and --replay cannot be used together.')
  if (options.record) return 'record'
  if (options.replay) return 'replay'
  const wish = env.REPLAY
  if (wish === undefined || wish === '' || wish === 'bloody') return 'direct'
  if (wish === 'record' || wish === 'replay') return wish
  throw new UsageError(`REPLAY=${wish} is not understood: use record, replay or bloody.`)
}

function network(mode: 'direct' | 'record' | 'replay', exchanges: Exchange[], replayer: Replayer | undefined): Network {
  if (replayer) return { kind: 'answered', handle: request => replayer.handle(request) }
  return mode === 'record' ? { kind: 'record', onExchange: exchange => exchanges.push(exchange) } : { kind: 'direct' }
}

function reportManifest(project: Project, printer: Printer): void {
  if (!project.manifest) printer.warn('There is no manifest.konnector here: fields and permissions cannot be checked.')
  for (const diagnostic of project.manifest?.diagnostics ?? [])
    if (diagnostic.severity === 'error') printer.warn(formatDiagnostic(diagnostic))
}

function reportRun(run: KonnectorRun, mask: SecretMask, printer: Printer, project: Project): void {
  for (const [field, count] of mask.seen)
    printer.warn(
      `The konnector printed the field "${field}" ${count === 1 ? 'once' : `${count} times`}; it was hidden here. Do not log it.`,
    )
  if (run.code === 0 && run.errorLines > 0)
    printer.warn('The konnector logged an error: a server takes this run for failed although it exited with 0.')
  const missing = missingPermissions(run.requests, project)
  for (const { doctype, verb } of missing)
    printer.warn(`The manifest asks for no permission to ${verb} ${doctype}: a server will refuse it.`)
}

function reportReplay(replayer: Replayer, printer: Printer): void {
  for (const { method, url, explanation } of replayer.unknown)
    printer.error(`${method} ${url} is not in the recording. ${explanation}`)
}

interface RecordContext {
  recording: string
  startedAt: number
  project: Project
  config: DevConfig
  fields: Record<string, unknown>
  codes: string[]
  keepFiles: boolean
  printer: Printer
}

async function record(exchanges: Exchange[], outcome: string, context: RecordContext): Promise<void> {
  const { project, config, printer } = context
  const choices = Object.fromEntries(project.fields.map(field => [field.name, field.options.map(({ value }) => value)]))
  const recording = makeRecording(exchanges, outcome, {
    fields: context.fields,
    choices,
    scrub: config.scrub ?? [],
    twoFactorCodes: context.codes,
    keepFiles: context.keepFiles,
    slug: project.slug,
    startedAt: context.startedAt,
  })
  await saveRecording(context.recording, recording)
  printer.note(`Recorded ${exchanges.length} exchanges in ${context.recording}`)
  if (recording.notScrubbed.length > 0)
    printer.warn(
      `Too short to be found in texts, so not replaced there: ${recording.notScrubbed.join(', ')}. Read the recording before you share it.`,
    )
  if (context.keepFiles)
    printer.warn('--keep-files: the recording holds the downloaded files as they are. Read them before you share it.')
}

const TWO_FACTOR_WAYS: Record<string, string> = {
  EMAIL: 'sent by e-mail',
  SMS: 'sent by text message',
  APP_CODE: 'shown by the app',
  APP: 'of the app',
}

function describeTwoFactor(state: string): string {
  const [need = '', way = ''] = state.split('.')
  const again = need.endsWith('RETRY') ? 'The code was refused. ' : ''
  return `${again}Enter the code${TWO_FACTOR_WAYS[way] ? ` ${TWO_FACTOR_WAYS[way]}` : ''}:`
}

/** @returns a function that stops listening */
function onSignals(listener: (signal: NodeJS.Signals) => void): () => void {
  const signals = Object.keys(SIGNAL_CODES) as NodeJS.Signals[]
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}
