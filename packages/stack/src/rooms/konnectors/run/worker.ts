import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Runner, RunResult, StackOrigin } from '@konnectory/runner'
import type { Ground } from '#ground/ground'
import type { Accounts } from '#rooms/accounts'
import type { Files } from '#rooms/files'
import type { Instance, Instances } from '#rooms/instances'
import { AttemptAborted, type AttemptContext, JobError, type RunningJob, type WorkerDefinition } from '#rooms/jobs'
import type { OAuth } from '#rooms/oauth'
import { type Permissions, VERBS } from '#rooms/permissions'
import { KONNECTORS } from '../konnector.ts'
import { countDuring } from './counting.ts'
import { destinationOf } from './destination.ts'
import { environmentOf, FieldsTooLong, PAYLOAD_FILE } from './environment.ts'
import type { LineStore } from './line-store.ts'
import { createRunMask } from './mask-run.ts'
import { endingOf, type RunEnding } from './outcome.ts'
import { createRecorder } from './record.ts'
import { createTranscript } from './transcript.ts'

/** An installed konnector as a run needs it. */
export interface RunnableKonnector {
  slug: string
  name: string
  version: string
  state: 'ready' | 'installed'
  /** Folder of its files, never changed. */
  directory: string
  /** Names these very files. */
  key: string
  language: string | undefined
  parameters: Record<string, unknown> | undefined
  /** File to run when an account was deleted. */
  onDeleteAccount: string | undefined
  /** Undefined: the manifest declares none. */
  domains: string[] | undefined
}

export interface KonnectorWorkerDeps {
  ground: Ground
  instances: Pick<Instances, 'byId'>
  permissions: Pick<Permissions, 'runs' | 'ofSource' | 'addRules'>
  oauth: Pick<OAuth, 'mint'>
  accounts: Pick<Accounts, 'open' | 'change' | 'removeSoftDeleted' | 'types'>
  files: Pick<Files, 'service' | 'reader'>
  lines: LineStore
  runner: Pick<Runner, 'run'>
  /** Where the API of instances is to be dialled, whatever their names. */
  stackAddress: { host: string; port: number }
  pinnedHosts?: { host: string; address: string; port?: number }[]
  /** The installed konnector, after an update that needs nobody's agreement. */
  find(instance: Instance, slug: string): Promise<RunnableKonnector | undefined>
  /** The destination that was found is that of all triggers of the same account. */
  onDestination(instance: Instance, found: { slug: string; account: string | undefined; folder: string }): Promise<void>
}

/** Left out of a work directory: with `package.json` Node would look for another file than the bundle. */
const NOT_COPIED = new Set(['README.md', 'package.json', '.travis.yml', 'LICENSE'])

interface Message extends Record<string, unknown> {
  konnector: string
}

/** The worker that runs konnectors (`protocol/konnector-runtime.md`). One call is one attempt of one job. */
export function createKonnectorWorker(deps: KonnectorWorkerDeps): WorkerDefinition {
  return { name: 'konnector', run: (job, context) => attempt(deps, job, context) }
}

async function attempt(deps: KonnectorWorkerDeps, job: RunningJob, context: AttemptContext): Promise<unknown> {
  const { instance } = job
  const message = messageOf(job.message)
  const account = typeof message.account === 'string' && message.account !== '' ? message.account : undefined
  const isCleaning = message.account_deleted === true
  const konnector = await deps.find(instance, message.konnector)
  if (!konnector) throw new JobError(`The konnector ${message.konnector} is not installed`, { badTrigger: true })
  if (isCleaning && konnector.onDeleteAccount === undefined) return { outcome: 'done' }
  const secrets = account === undefined || isCleaning ? undefined : await deps.accounts.open(instance, account)
  if (account !== undefined && !isCleaning && !secrets)
    throw new JobError('The account does not exist', { badTrigger: true })

  await using cleanup = new AsyncDisposableStack()
  const folder = await workDirectory(deps, konnector)
  cleanup.defer(() => rm(folder, { recursive: true, force: true }))
  const destination = isCleaning ? undefined : await destinationFor(deps, instance, konnector, message, account)
  await allowOwnFolders(deps, instance, konnector.slug)

  const { permissions, oauth, ground } = deps
  const run = await permissions.runs.begin(instance, { slug: konnector.slug, accountId: account })
  cleanup.defer(() => permissions.runs.end(instance, run))
  const token = await oauth.mint({ instance, audience: 'konn', subject: konnector.slug, run, account })
  const mask = createRunMask([token, secrets?.auth, secrets?.oauth])
  const started = ground.clock.now().toISOString()
  const recorder = createRecorder(ground, instance, job.id, {
    konnector: konnector.slug,
    version: konnector.version,
    ...(account !== undefined && { account }),
    ...(job.triggerId !== undefined && { trigger_id: job.triggerId }),
    manual: job.manual,
    started_at: started,
    attempt: context.attempt,
    state: 'running',
    stages: [],
    counts: { new: 0, updated: 0, files: 0, bytes: 0 },
  })
  const transcript = createTranscript({
    clock: ground.clock,
    lines: deps.lines,
    instanceId: instance.id,
    jobId: job.id,
    mask,
    from: await deps.lines.last(instance.id, job.id),
    onMessage: ({ type, message: said }) =>
      ground.news.publish([
        { tenant: instance, verb: 'CREATED', doctype: 'io.cozy.jobs.events', doc: { type, message: said } },
      ]),
    onLine: ({ number }) => recorder.line(number),
    onStage: recorder.stage,
  })
  if (konnector.domains === undefined)
    transcript.remark('The manifest declares no domains: this konnector may talk to the whole public internet.')
  await recorder.begin()

  const counting = countDuring(ground.news, instance, { slug: konnector.slug, account })
  cleanup.defer(() => counting[Symbol.dispose]())
  const performed = await perform(deps, {
    job,
    context,
    konnector,
    folder,
    token,
    transcript,
    isCleaning,
    message: { ...message, ...(destination !== undefined && { folder_to_save: destination }) },
    counts: counting.counts,
  }).catch(async (error: Error) => {
    // No jail, no room for it: the record says so, and does not stay as if it ran on.
    transcript.remark(error.message)
    const meaning = 'The server could not run the konnector'
    const ending: RunEnding = { outcome: 'limit', error: error.message, act: 'operator', meaning, retry: false }
    await recorder.end(ending, counting.counts, undefined, await transcript.end())
    throw error
  })
  const { result, ending } = performed
  const lines = await transcript.end()
  await recorder.end(ending, counting.counts, result, lines)
  if (ending.error !== undefined) throw new JobError(ending.error, { retry: ending.retry })
  if (isCleaning && account !== undefined)
    await ground.documents.transaction(instance, writer => deps.accounts.removeSoftDeleted(writer, account))
  return { outcome: ending.outcome, counts: counting.counts }
}

function messageOf(message: unknown): Message {
  const { konnector } = (message ?? {}) as Record<string, unknown>
  if (typeof konnector !== 'string' || konnector === '')
    throw new JobError('The message names no konnector', { badTrigger: true })
  return message as Message
}

/** The konnector's files in a folder of this attempt's own, for a payload to be put beside them. */
async function workDirectory({ ground }: KonnectorWorkerDeps, { directory }: RunnableKonnector): Promise<string> {
  const parent = join(ground.config.dataDirectory, 'runs')
  await mkdir(parent, { recursive: true, mode: 0o755 })
  const folder = await mkdtemp(join(parent, 'run-'))
  try {
    await copyTree(directory, folder, true)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return folder
}

async function copyTree(from: string, to: string, isTop: boolean): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (isTop && NOT_COPIED.has(entry.name)) continue
    const target = join(to, entry.name)
    if (entry.isDirectory()) {
      await mkdir(target, { mode: 0o755 })
      await copyTree(join(from, entry.name), target, false)
    } else if (entry.isFile()) await copyFile(join(from, entry.name), target)
  }
}

async function destinationFor(
  deps: KonnectorWorkerDeps,
  instance: Instance,
  { slug, name }: RunnableKonnector,
  { folder_to_save: wanted }: Message,
  account: string | undefined,
): Promise<string | undefined> {
  if (typeof wanted !== 'string' || wanted === '') return undefined
  const folder = await destinationOf(deps, { instance, slug, name, wanted, account })
  if (folder !== undefined && folder !== wanted) await deps.onDestination(instance, { slug, account, folder })
  return folder
}

/** The rule that opens the konnector's own folders to it (`protocol/konnector-runtime.md` §3.5). */
async function allowOwnFolders({ permissions }: KonnectorWorkerDeps, instance: Instance, slug: string): Promise<void> {
  const id = `${KONNECTORS}/${slug}`
  const record = await permissions.ofSource(instance, id)
  const there = record?.rules.some(
    ({ type, selector, values }) => type === 'io.cozy.files' && selector === 'referenced_by' && values?.includes(id),
  )
  if (there || !record) return
  await permissions.addRules(instance, { type: 'konnector', slug }, [
    {
      title: 'referenced folders',
      verbs: VERBS,
      type: 'io.cozy.files',
      description: 'Folders that belong to this konnector',
      selector: 'referenced_by',
      values: [id],
    },
  ])
}

interface Performance {
  job: RunningJob
  context: AttemptContext
  konnector: RunnableKonnector
  folder: string
  token: string
  transcript: ReturnType<typeof createTranscript>
  isCleaning: boolean
  message: Record<string, unknown>
  counts: Parameters<typeof endingOf>[2]
}

/** The process itself, in the jail. */
async function perform(
  { runner, stackAddress, pinnedHosts, ground, accounts }: KonnectorWorkerDeps,
  { job, context, konnector, folder, token, transcript, isCleaning, message, counts }: Performance,
): Promise<{ result: RunResult | undefined; ending: RunEnding }> {
  const { instance } = job
  let prepared: ReturnType<typeof environmentOf>
  try {
    prepared = environmentOf({
      instance,
      token,
      message,
      parameters: konnector.parameters,
      secret: await accounts.types.secretFor(instance, konnector.slug),
      payload: job.payload,
      language: konnector.language,
      timeLimit: context.timeoutSeconds,
      jobId: job.id,
      triggerId: job.triggerId,
      manual: job.manual,
    })
  } catch (error) {
    if (!(error instanceof FieldsTooLong)) throw error
    return {
      result: undefined,
      ending: { outcome: 'limit', error: error.message, act: 'operator', meaning: error.message, retry: false },
    }
  }
  if (prepared.payloadFile !== undefined)
    await writeFile(join(folder, PAYLOAD_FILE), prepared.payloadFile, { mode: 0o644 })
  const entry = isCleaning ? await cleaningFile(folder, konnector.onDeleteAccount ?? '') : undefined
  const stack = originOf(instance, stackAddress)
  const result = await runner.run({
    dir: folder,
    ...(entry !== undefined && { entry }),
    env: prepared.env,
    limits: { seconds: context.timeoutSeconds },
    domains: konnector.domains ?? 'public',
    stack,
    ...(pinnedHosts && { pinnedHosts }),
    cacheKey: konnector.key,
    onLine: transcript.take,
    signal: context.signal,
  })
  ground.log.debug('a run ended', { job: job.id, end: result.end, code: result.code })
  // The attempt's own time may be over a moment before the runner's.
  const late =
    result.cause === 'cancelled' &&
    context.signal.reason instanceof AttemptAborted &&
    context.signal.reason.why === 'timeout'
  return { result, ending: endingOf(late ? { ...result, end: 'timeout' } : result, transcript.words, counts) }
}

/** The instance's API as the konnector names it, and where it really is. */
function originOf({ url }: Instance, connect: { host: string; port: number }): StackOrigin {
  const { hostname: host, port, protocol } = new URL(url)
  return { host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port), connect }
}

/** The file of a manifest's `on_delete_account`, inside the folder whatever its path says. */
async function cleaningFile(folder: string, path: string): Promise<string> {
  const inside = join('/', path).slice(1)
  const found = await stat(join(folder, inside)).catch(() => undefined)
  if (!found?.isFile())
    throw new JobError(`on_delete_account names ${path}, which the konnector does not have`, { retry: false })
  return inside
}
