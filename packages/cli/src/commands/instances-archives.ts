import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'
import { type InstanceResource, pathOf, showInstance } from '../server-admin/instances.ts'
import { administer, type CommonFlags, withCommonOptions } from '../server-admin/options.ts'
import { readSecret } from '../server-admin/secrets.ts'
import { formatBytes, plural } from '../terminal/amounts.ts'
import { type Terminal, UsageError } from '../terminal/output.ts'
import { createProgressLine } from '../terminal/progress-line.ts'

/** A manifest has a few kilobytes: the tables and their columns. */
const MANIFEST_BYTES = 256 * 1024

interface ExportFlags extends CommonFlags {
  output?: string
  archivePassphraseFile?: string
  withoutSecrets?: boolean
}

interface ImportFlags extends CommonFlags {
  domain?: string
  archivePassphraseFile?: string
}

interface ImportAnswer {
  data: { attributes: InstanceResource }
  meta: { rows: number; blobs: number; blobBytes: number; leftOut: string[] }
}

/** Instances that travel between servers. */
export function registerArchives(instances: Command, context: CommandContext): void {
  withCommonOptions(instances.command('export <domain>'))
    .description('write an instance, with its files, into an archive')
    .option('--output <file>', 'where to (default: <domain>.tar here); - is the standard output')
    .option('--archive-passphrase-file <file>', 'what seals its secrets, from a file; - is the standard input')
    .option('--without-secrets', 'leave credentials and keys out')
    .action(async (domain: string, flags: ExportFlags) => {
      await administer(flags, context, async ({ client, terminal, tell }) => {
        const instance = await showInstance(client, domain)
        const passphrase = await exportPassphrase(flags, terminal)
        const body = passphrase === undefined ? {} : { passphrase }
        const archive = await client.stream(`${pathOf(instance.domain)}/export`, { method: 'POST', body })
        if (flags.output === '-') {
          if (flags.json) throw new UsageError('--json and the archive cannot both go to the standard output.')
          return void (await pipeline(archive, terminal.stdout, { end: false }))
        }
        const file = resolve(terminal.cwd, flags.output ?? `${instance.domain.replace(/[^\p{L}\p{N}.-]/gu, '_')}.tar`)
        const size = await save(archive, file, terminal)
        tell(`${instance.domain} is in ${file} (${formatBytes(size)}).`, { domain: instance.domain, file, bytes: size })
      })
    })

  withCommonOptions(instances.command('import <file>'))
    .description('make an instance of an archive; - is the standard input')
    .option('--domain <domain>', 'where it is to be (default: the domain it had)')
    .option('--archive-passphrase-file <file>', 'the one it was made with, from a file; asked for otherwise')
    .action(async (file: string, flags: ImportFlags) => {
      await administer(flags, context, async ({ client, terminal, tell }) => {
        const passphrase = await importPassphrase(file, flags, terminal)
        const answer = await client.json<ImportAnswer>('instances/import', {
          method: 'POST',
          query: { domain: flags.domain },
          stream: await openArchive(file, terminal),
          headers:
            passphrase === undefined ? {} : { 'archive-passphrase': Buffer.from(passphrase).toString('base64url') },
        })
        const { attributes: instance } = answer.data
        const { rows, blobs, blobBytes, leftOut } = answer.meta
        const lines = [
          `${instance.domain} is there: ${instance.url}`,
          `${plural(rows, 'row')}, ${plural(blobs, 'file content')} (${formatBytes(blobBytes)}).`,
          ...leftOut.map(sentence => `Not in the archive: ${sentence}.`),
        ]
        tell(lines.join('\n'), { instance, ...answer.meta })
      })
    })
}

/** Asks only for an archive that has something sealed in it. */
async function importPassphrase(file: string, flags: ImportFlags, terminal: Terminal): Promise<string | undefined> {
  const { archivePassphraseFile: from } = flags
  const label = 'Passphrase of the archive'
  if (from !== undefined) {
    if (from === '-' && file === '-')
      throw new UsageError('The archive and its passphrase cannot both come from the standard input.')
    return await readSecret({ file: from, label, terminal })
  }
  if (file === '-' || !(await isSealed(resolve(terminal.cwd, file)))) return undefined
  const typed = await readSecret({ file: undefined, label, terminal })
  if (typed !== undefined) return typed
  throw new UsageError('The secrets in this archive are sealed: give --archive-passphrase-file.')
}

/** Whether the manifest, which an archive begins with, says that secrets are sealed. The server checks the rest. */
async function isSealed(path: string): Promise<boolean> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MANIFEST_BYTES), 0, MANIFEST_BYTES, 0)
    const size = Number.parseInt(buffer.toString('latin1', 124, 136), 8)
    if (bytesRead < 512 || !(size > 0 && size < bytesRead)) return false
    return 'seal' in (JSON.parse(buffer.toString('utf8', 512, 512 + size)) as object)
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  } finally {
    await handle.close()
  }
}

async function exportPassphrase(flags: ExportFlags, terminal: Terminal): Promise<string | undefined> {
  const { archivePassphraseFile: file, withoutSecrets } = flags
  if (withoutSecrets) {
    if (file !== undefined) throw new UsageError('--without-secrets and a passphrase for them: give one or the other.')
    return undefined
  }
  const label = 'Passphrase that seals the secrets in the archive'
  const passphrase = await readSecret({ file, label, twice: true, terminal })
  if (passphrase !== undefined) return passphrase
  throw new UsageError(
    'An archive has credentials in it, sealed by a passphrase: give --archive-passphrase-file, or leave them out with --without-secrets.',
  )
}

/** Writes beside the file and renames: what has its name is whole. Readable by its owner only. @returns bytes */
async function save(archive: Readable, file: string, terminal: Terminal): Promise<number> {
  const part = `${file}.part`
  const counter = createCounter(terminal, 'written')
  try {
    await pipeline(archive, counter.through, createWriteStream(part, { mode: 0o600, flags: 'w' }))
    await rename(part, file)
  } catch (error) {
    await rm(part, { force: true })
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET' || /aborted/.test(String(error)))
      throw new UsageError('The server broke off in the middle; its log says why. Nothing was written.')
    throw error
  } finally {
    counter.clear()
  }
  return counter.bytes()
}

async function openArchive(file: string, terminal: Terminal): Promise<Readable> {
  if (file === '-') return terminal.stdin as Readable
  const path = resolve(terminal.cwd, file)
  const { size } = await stat(path)
  const counter = createCounter(terminal, `of ${formatBytes(size)} sent`)
  return createReadStream(path).pipe(counter.through.once('close', counter.clear))
}

function createCounter({ stderr }: Terminal, words: string) {
  const line = createProgressLine(stderr as NodeJS.WriteStream)
  let bytes = 0
  let shown = 0
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      // A line per megabyte at most: a terminal is slower than a disk.
      if (bytes - shown > 1e6) {
        shown = bytes
        line.show(`${formatBytes(bytes)} ${words}`)
      }
      done(null, chunk)
    },
  })
  return { through, bytes: () => bytes, clear: () => line.clear() }
}
