import { join } from 'node:path'
import { Readable } from 'node:stream'
import { BlobMissing } from '#ground/blobs/contract'
import type { Ground } from '#ground/ground'
import { KeyringError } from '#ground/keyring/contract'
import type { Instance } from '../instance.ts'
import { type Secrets, secretsAsText } from '../secrets.ts'
import type { Sweep } from '../sweep-store.ts'
import { newArchiveCipher } from './archive-cipher.ts'
import { BLOB_PIECE, type End, FORMAT, type Manifest, piece, VERSION } from './format.ts'
import { type Portable, replaceTexts, SEALED_IN_JSON, withoutSealed } from './portable.ts'
import { type Spool, spoolRows } from './spool.ts'
import { tarEnd, tarEntry } from './tar.ts'

export interface ExportDeps {
  ground: Ground
  sweep: Sweep
  secrets: Secrets
  portable: Portable
}

/**
 * An instance as a tar archive: what it is, all its rows as of one moment, the contents of its files.
 * @param passphrase seals its secrets (credentials of accounts, its keys); without, they are left out, and the end says so
 */
export async function exportInstance(
  { ground, sweep, secrets, portable }: ExportDeps,
  instance: Instance,
  { passphrase }: { passphrase?: string | undefined },
): Promise<Readable> {
  const { database, config, clock, keyring, log } = ground
  const cipher = passphrase ? await newArchiveCipher(passphrase) : undefined
  const leftOut = new Map<string, number>()
  const leave = (what: string) => void leftOut.set(what, (leftOut.get(what) ?? 0) + 1)

  const change = async (table: string, row: { doctype: string | null; line: string }): Promise<string | undefined> => {
    // `matchAll` works on a copy of the pattern, `test` would remember where it stopped.
    if (row.line.search(SEALED_IN_JSON) < 0) return row.line
    const place = portable.placeOf(table, row.doctype)
    if (!place) {
      // In a document it may be any text of a person.
      if (table === 'docs') return row.line
      leave(`rows of ${table}, whose secrets only this server can open`)
      return undefined
    }
    const parsed = JSON.parse(row.line) as Record<string, unknown>
    if (!cipher) {
      leave(`rows of ${row.doctype ?? table} without their secrets: no passphrase was given to seal them with`)
      return JSON.stringify(withoutSealed(parsed))
    }
    const context = place.context(parsed)
    return await replaceTexts(row.line, SEALED_IN_JSON, async sealed => {
      try {
        return cipher.seal(`${table} ${context}`, await keyring.open(instance.id, context, sealed))
      } catch (error) {
        if (!(error instanceof KeyringError)) throw error
        // Somebody copied it from elsewhere: it opens nowhere, and an archive must be possible all the same.
        leave(`secrets of ${row.doctype ?? table} that did not open here either`)
        return sealed
      }
    })
  }

  const tables = (await sweep.tables('roots')).filter(({ name }) => !portable.isEphemeral(name))
  const spool = await spoolRows({
    driver: database.driver,
    instanceId: instance.id,
    tables,
    folder: join(config.dataDirectory, 'tmp'),
    change,
  })
  const { rows: migrations } = await database.driver.query<{ name: string }>(
    "select room || '/' || name as name from migrations order by room, number",
  )
  if (!cipher) leave('its keys: who is signed in, and every application, must do so again')
  const manifest: Manifest = {
    format: FORMAT,
    version: VERSION,
    exportedAt: clock.now().toISOString(),
    migrations: migrations.map(({ name }) => name),
    instance: aboutInstance(instance),
    ...(cipher && {
      seal: cipher.info,
      secrets: cipher.seal('instances', secretsAsText(await secrets.of(instance))),
    }),
    tables: Object.fromEntries(tables.map(({ name, columns }) => [name, columns.filter(c => c !== 'instance_id')])),
  }
  const told = () => [...leftOut].map(([what, count]) => sentence(what, count))

  async function* parts(): AsyncGenerator<Buffer> {
    await using snapshot: Spool = spool
    const now = clock.now()
    yield* tarEntry('manifest.json', Buffer.from(JSON.stringify(manifest)), now)
    const end: End = { rows: snapshot.rows, blobs: 0, blobBytes: 0, leftOut: [] }
    for (const key of snapshot.blobs) {
      try {
        let number = 0
        for await (const content of pieces(await ground.blobs.open(instance.id, key))) {
          yield* tarEntry(`blobs/${key}/${piece(++number)}`, content, now)
          end.blobBytes += content.length
        }
        // An empty file is one empty piece.
        if (number === 0) yield* tarEntry(`blobs/${key}/${piece(1)}`, Buffer.alloc(0), now)
        end.blobs++
      } catch (error) {
        if (!(error instanceof BlobMissing)) throw error
        leave('contents of files that were deleted while the archive was made')
      }
    }
    for await (const { name, content } of snapshot.pieces()) yield* tarEntry(name, content, now)
    end.leftOut = told()
    yield* tarEntry('end.json', Buffer.from(JSON.stringify(end)), now)
    yield tarEnd()
    log.info('an instance was exported', { domain: instance.domain, rows: end.rows, blobs: end.blobs })
  }
  const stream = Readable.from(parts(), { objectMode: false, highWaterMark: 1024 * 1024 })
  // A generator that was never begun does not clean up after itself.
  stream.once('close', () => void spool[Symbol.asyncDispose]())
  return stream
}

/** `3 rows of x`, `1 row of x`; the instance's keys are not counted. */
const sentence = (what: string, count: number): string => {
  if (!/^(rows|contents|secrets)\b/.test(what)) return what
  return `${count} ${count === 1 ? what.replace(/^(row|content|secret)s/, '$1') : what}`
}

const aboutInstance = (instance: Instance): Manifest['instance'] => {
  const { domain, uuid, locale, tz, context, email, publicName, autoUpdate, onboardingFinished, flags, createdAt } =
    instance
  const { quotaBytes } = instance
  const about = {
    domain,
    uuid,
    locale,
    tz,
    context,
    email,
    publicName,
    autoUpdate,
    onboardingFinished,
    flags,
    createdAt,
  }
  return quotaBytes === undefined ? about : { ...about, quotaBytes }
}

/** A stream in pieces of `BLOB_PIECE`. */
async function* pieces(stream: Readable): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    held.push(chunk)
    bytes += chunk.length
    if (bytes >= BLOB_PIECE) {
      yield Buffer.concat(held)
      held = []
      bytes = 0
    }
  }
  if (bytes > 0) yield Buffer.concat(held)
}
