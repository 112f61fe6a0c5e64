import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lchownSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Binaries } from './binaries.ts'
import { explainFailure } from './explain.ts'
import { handsOver, type ServiceUser } from './service-user.ts'
import { giveTree, initdbUser, passableToGroup } from './stand-in-user.ts'
import { DatabaseStartError, hasCode } from './start-error.ts'
import { startWatched } from './watched-process.ts'

/** The database's superuser; reached only through the private socket. */
export const SUPERUSER = 'konnectory'
const UNFINISHED = 'postgresql.new-'
/** How long an initdb that was told to end may take to be gone. */
const REMOVAL_MS = 5_000

export interface InitialiseOptions {
  dataDirectory: string
  binaries: Binaries
  user: ServiceUser
  env: Record<string, string>
  /** Tests only: does not wait for the disk. */
  noSync?: boolean
}

/**
 * The folder of the database's files, made when missing: in a folder aside, then renamed, because an initdb that is cut
 * short leaves something that looks finished and is not (12 of 16 times, storage.md §4).
 * @returns the folder, and whether it is new
 * @throws DatabaseStartError `provider_changed` when another major version made it; what initdb says otherwise
 */
export async function initialisedCluster(options: InitialiseOptions): Promise<{ cluster: string; fresh: boolean }> {
  const { dataDirectory, binaries } = options
  const cluster = join(dataDirectory, 'postgresql')
  for (const name of readdirSync(dataDirectory)) {
    if (name.startsWith(UNFINISHED)) await removeTree(join(dataDirectory, name))
  }
  if (existsSync(cluster)) {
    assertSameMajor(cluster, binaries)
    return { cluster, fresh: false }
  }
  const aside = mkdtempSync(join(dataDirectory, UNFINISHED))
  try {
    chmodSync(aside, 0o700)
    await initdb(aside, options)
    renameSync(aside, cluster)
    if (!options.noSync) syncFolder(dataDirectory)
  } catch (error) {
    await removeTree(aside)
    throw error
  }
  return { cluster, fresh: true }
}

/**
 * Removes a folder in which an initdb may still be ending and removing files itself: then a file vanishes under us, which
 * `force` takes for all done. What still cannot be removed after a while is left to the next start; it is in nobody's way.
 */
async function removeTree(path: string): Promise<void> {
  const deadline = performance.now() + REMOVAL_MS
  while (existsSync(path) && performance.now() < deadline) {
    try {
      rmSync(path, { recursive: true, force: true })
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EBUSY')) throw error
    }
    if (existsSync(path)) await delay(20)
  }
}

function assertSameMajor(cluster: string, { major, bin }: Binaries): void {
  const made = Number.parseInt(readFileSync(join(cluster, 'PG_VERSION'), 'utf8'), 10)
  if (made === major) return
  throw new DatabaseStartError(
    'provider_changed',
    `${cluster} was made by PostgreSQL ${made}, and ${bin} holds PostgreSQL ${major}, which cannot read it. ` +
      `Start with PostgreSQL ${made} (PG_BIN, KONNECTORY_POSTGRES), or export the instances there and import them in a new data directory.`,
  )
}

async function initdb(folder: string, options: InitialiseOptions): Promise<void> {
  const { user, dataDirectory } = options
  const runner = initdbUser(user)
  if (handsOver(user)) lchownSync(folder, runner.uid, runner.gid)
  if (runner.uid === user.uid) return runInitdb(folder, options)
  await passableToGroup(dataDirectory, () => runInitdb(folder, { ...options, user: runner }))
  giveTree(folder, user)
}

async function runInitdb(folder: string, { binaries, user, env, noSync }: InitialiseOptions): Promise<void> {
  const program = join(binaries.bin, 'initdb')
  const lines: string[] = []
  const args = ['-D', folder, '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', ...locale(binaries), '--no-instructions']
  const running = startWatched({
    command: program,
    args: noSync ? [...args, '--no-sync'] : args,
    user,
    cwd: folder,
    env,
    atOurEnd: 'TERM',
    onLine: line => void lines.push(line),
  })
  const { code } = await running.ended
  if (code !== 0) throw explainFailure('The database could not be set up', lines, program, code)
}

/** Strings compared as bytes, letters known as Unicode's. PostgreSQL's own C.UTF-8 (17 and later) does not depend on the system, where macOS has none. */
function locale({ major }: Binaries): string[] {
  return major >= 17
    ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
    : ['--locale=C.UTF-8', '--lc-messages=C']
}

/** The rename itself must survive a power cut. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
