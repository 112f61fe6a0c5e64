import { DatabaseStartError } from './start-error.ts'

/** Sentences for what PostgreSQL and the operating system say when something cannot start. First match wins. */
const KNOWN: [pattern: RegExp, code: ConstructorParameters<typeof DatabaseStartError>[0], sentence: string][] = [
  [
    /No space left on device|could not extend file|Disk quota exceeded/i,
    'disk_full',
    'The disk is full: the database needs about 50 MB for a start. Make room, then start again; nothing is lost.',
  ],
  [
    /could not look up effective user ID/i,
    'service_user',
    'PostgreSQL sets a database up only as a user with a name. Give this uid a line in /etc/passwd, make the first start as root, or set DATABASE_URL.',
  ],
  [
    /lock file "[^"]*" already exists/i,
    'database_in_use',
    'Another PostgreSQL works on this data directory. Stop it first.',
  ],
  [
    /error while loading shared libraries: ([^:\s]+)|Library not loaded: (\S+)/i,
    'binaries_unusable',
    "A library that PostgreSQL needs is missing here. Install it, or use this system's own PostgreSQL with KONNECTORY_POSTGRES=system.",
  ],
  [
    /GLIBC_[\d.]+' not found|GLIBCXX_[\d.]+' not found/i,
    'binaries_unusable',
    "The C library of this system is older than the binaries from npm need (glibc 2.27). Use this system's own PostgreSQL with KONNECTORY_POSTGRES=system or PG_BIN, or set DATABASE_URL.",
  ],
  [
    /has (wrong ownership|invalid permissions)/i,
    'directory_unsafe',
    'The data directory belongs to another user, or others may read it. It must belong to the user who starts Konnectory, with mode 0700.',
  ],
  [
    /could not (open|create|access|read|change permissions of)[^\n]*: (Permission denied|Read-only file system)/i,
    'directory_unreachable',
    'The data directory cannot be read and written. Check its owner and rights, or choose another with KONNECTORY_DATA.',
  ],
  [
    /could not (create|map|resize)[^\n]*shared memory|could not get shared memory/i,
    'start_failed',
    'The system gives no shared memory. In a container give it some (docker run --shm-size=64m).',
  ],
  [
    /database files are incompatible with server|initialized by PostgreSQL version/i,
    'provider_changed',
    'The data directory was made by another version or build of PostgreSQL. Start with the one that made it.',
  ],
]

/**
 * A failed start as an error with a sentence.
 * @param what began, `PostgreSQL did not start`
 * @param lines what it printed; the last ones go into the message
 */
export function explainFailure(
  what: string,
  lines: string[],
  program: string,
  code: number | null,
): DatabaseStartError {
  const printed = lines.join('\n')
  const said = lines.length > 0 ? `\n${lines.slice(-8).join('\n')}` : ''
  const known = KNOWN.find(([pattern]) => pattern.test(printed))
  if (known) return new DatabaseStartError(known[1], `${what}. ${known[2]}${said}`)
  // 126 and 127: the shell found nothing that it could execute.
  if (code === 126 || code === 127) {
    return new DatabaseStartError('binaries_unusable', `${what}. ${explainExecution(program)}${said}`)
  }
  return new DatabaseStartError('start_failed', `${what} (exit code ${code ?? 'none, ended by a signal'}).${said}`)
}

/** Why a program that is there cannot be executed. */
export function explainExecution(program: string, error?: Error): string {
  if (isMusl()) {
    return (
      `${program} cannot run on this system: it was built for glibc and this is musl (Alpine). ` +
      "Install the system's own (apk add postgresql) and set KONNECTORY_POSTGRES=system, or set DATABASE_URL."
    )
  }
  return (
    `${program} cannot be executed here${error ? ` (${error.message.trim()})` : ''}: no right to, another processor, or another C library than it was built for. ` +
    "Use this system's own PostgreSQL with KONNECTORY_POSTGRES=system or PG_BIN, or set DATABASE_URL."
  )
}

/** The report is slow (tens of milliseconds): only asked for when something failed. */
function isMusl(): boolean {
  if (process.platform !== 'linux') return false
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined
}
