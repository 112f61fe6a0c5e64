import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { SCHEMA } from '#ground/database/index'
import type { Ground } from '#ground/ground'
import { alreadyThere, badRequest } from '#ground/http/errors'
import type { Directory } from '../directory.ts'
import type { Subdomains } from '../domain.ts'
import type { Instance } from '../instance.ts'
import { domainFrom, type Lifecycle } from '../lifecycle.ts'
import { newSecrets, type Secrets, secretsFromText } from '../secrets.ts'
import type { InstanceStore } from '../store.ts'
import { isDomainTaken } from '../store.ts'
import type { InstanceTable, Sweep } from '../sweep-store.ts'
import { type ArchiveCipher, openArchiveCipher } from './archive-cipher.ts'
import { type End, endSchema, LARGEST_PIECE, type Manifest, manifestSchema } from './format.ts'
import { BLOB_IN_JSON, type Portable, replaceTexts, TRAVELLING_IN_JSON, WITH_BLOBS } from './portable.ts'
import { ArchiveError, readTar, type TarFile } from './tar.ts'

export interface ImportDeps {
  ground: Ground
  store: InstanceStore
  sweep: Sweep
  directory: Directory
  lifecycle: Lifecycle
  secrets: Secrets
  subdomains: Subdomains
  portable: Portable
  imported: ((instance: Instance) => Promise<void>)[]
}

export interface Imported {
  instance: Instance
  rows: number
  blobs: number
  blobBytes: number
  /** Sentences: what the archive does not have. */
  leftOut: string[]
}

/**
 * Makes an instance of an archive. It answers nothing until all is there; when anything is wrong, nothing of it stays.
 * @param domain where it is to be; default: the one it had
 * @param passphrase the one the archive was made with
 * @throws 400 with a sentence for an archive that cannot be read, 409 when the domain is taken
 */
export async function importInstance(
  deps: ImportDeps,
  archive: AsyncIterable<Buffer>,
  { domain, passphrase }: { domain?: string | undefined; passphrase?: string | undefined },
): Promise<Imported> {
  try {
    const files = readTar(archive, LARGEST_PIECE)
    const manifest = await readManifest(deps, await files.next())
    const cipher = await cipherFor(manifest, passphrase)
    const known = await tablesFor(deps, manifest)
    const instance = await insert(deps, manifest, cipher, domain)
    try {
      return await fill(deps, instance, files, { cipher, known })
    } catch (error) {
      await deps.lifecycle.destroy(instance)
      throw error
    }
  } catch (error) {
    if (error instanceof ArchiveError) throw badRequest(error.message)
    throw error
  }
}

async function readManifest({ ground }: ImportDeps, first: IteratorResult<TarFile, void>): Promise<Manifest> {
  if (first.done || first.value.name !== 'manifest.json')
    throw new ArchiveError('This is not an archive of an instance')
  const parsed = manifestSchema.safeParse(parseJson(first.value))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new ArchiveError(`The archive's manifest cannot be read: ${issue?.path.join('.')} ${issue?.message}`)
  }
  const { rows } = await ground.database.driver.query<{ name: string }>(
    "select room || '/' || name as name from migrations",
  )
  const here = new Set(rows.map(({ name }) => name))
  const unknown = parsed.data.migrations.filter(name => !here.has(name))
  if (unknown.length > 0)
    throw new ArchiveError(
      `The archive comes from a newer version of Konnectory (${unknown.join(', ')}): update this one`,
    )
  return parsed.data
}

async function cipherFor({ seal }: Manifest, passphrase: string | undefined): Promise<ArchiveCipher | undefined> {
  if (!seal) return undefined
  if (!passphrase)
    throw new ArchiveError('The secrets in this archive are sealed: the passphrase it was made with is needed')
  return await openArchiveCipher(passphrase, seal)
}

/** Columns by table, for those that are in the archive. */
async function tablesFor({ sweep, portable }: ImportDeps, manifest: Manifest): Promise<Map<string, string[]>> {
  const here = new Map((await sweep.tables('roots')).map((table: InstanceTable) => [table.name, table.columns]))
  const known = new Map<string, string[]>()
  for (const [name, columns] of Object.entries(manifest.tables)) {
    if (portable.isEphemeral(name)) continue
    const ours = here.get(name)
    const odd = ours === undefined ? name : columns.find(column => !ours.includes(column))
    if (odd !== undefined)
      throw new ArchiveError(`The archive has ${name} with something this server does not know: ${odd}`)
    known.set(name, ['instance_id', ...columns])
  }
  return known
}

async function insert(
  { ground, store, directory, lifecycle, secrets, subdomains }: ImportDeps,
  manifest: Manifest,
  cipher: ArchiveCipher | undefined,
  wanted: string | undefined,
): Promise<Instance> {
  const { instance: about } = manifest
  const domain = domainFrom(wanted ?? about.domain, subdomains)
  const keys = manifest.secrets !== undefined && cipher ? cipher.open('instances', manifest.secrets) : undefined
  const id = randomUUID()
  const now = ground.clock.now()
  const row = {
    instance_id: id,
    domain,
    old_domain: null,
    // Two copies on one server are two instances.
    uuid: randomUUID(),
    locale: about.locale,
    tz: about.tz,
    context: about.context,
    email: about.email,
    public_name: about.publicName,
    auto_update: about.autoUpdate,
    auth_mode: 'basic',
    onboarding_finished: about.onboardingFinished,
    quota_bytes: about.quotaBytes === undefined ? null : String(about.quotaBytes),
    blocked: 'IMPORTING',
    destroying: false,
    flags: JSON.stringify(about.flags),
    register_token_hash: null,
    secrets: await secrets.seal(id, keys === undefined ? newSecrets() : secretsFromText(keys)),
    created_at: new Date(about.createdAt),
    updated_at: now,
  }
  try {
    await ground.database.transaction(async query => {
      await lifecycle.refuseShadows(domain, query)
      await store.insert(row, query)
    })
  } catch (error) {
    if (isDomainTaken(error)) throw alreadyThere(`There is an instance at ${domain} already`)
    throw error
  }
  return directory.asInstance({ ...row, flags: about.flags, passphrase_defined: false })
}

async function fill(
  deps: ImportDeps,
  instance: Instance,
  files: AsyncGenerator<TarFile>,
  { cipher, known }: { cipher: ArchiveCipher | undefined; known: Map<string, string[]> },
): Promise<Imported> {
  const { ground, portable, lifecycle } = deps
  const { driver } = ground.database
  /** What each blob was called there, and is called here. */
  const renamed = new Map<string, string>()
  const counted: Record<string, number> = {}
  let blobBytes = 0
  let end: End | undefined
  let next = await files.next()

  /** The pieces of one blob; leaves `next` at what comes after them. */
  async function* blobPieces(key: string): AsyncGenerator<Buffer> {
    while (!next.done && next.value.name.startsWith(`blobs/${key}/`)) {
      const { content } = next.value
      blobBytes += content.length
      if (content.length > 0) yield content
      next = await files.next()
    }
  }

  async function lineHere(table: string, line: string): Promise<string> {
    let written = line
    if (table === 'docs' || table === 'leaves') {
      const { doctype } = JSON.parse(line) as { doctype?: string }
      if (doctype !== undefined && WITH_BLOBS.has(doctype))
        written = await replaceTexts(written, BLOB_IN_JSON, key => renamed.get(key) ?? key)
    }
    if (!cipher || written.search(TRAVELLING_IN_JSON) < 0) return written
    const row = JSON.parse(written) as Record<string, unknown>
    const place = portable.placeOf(table, row.doctype)
    if (!place) return written
    const context = place.context(row)
    return await replaceTexts(written, TRAVELLING_IN_JSON, sealed =>
      ground.keyring.seal(instance.id, context, cipher.open(`${table} ${context}`, sealed)),
    )
  }

  async function insertRows(table: string, { name, content }: TarFile): Promise<void> {
    const columns = known.get(table)
    if (!columns) throw new ArchiveError(`${name} in the archive is of no table that its manifest names`)
    const lines: string[] = []
    for (const line of content.toString('utf8').split('\n')) {
      const written = await lineHere(table, line).catch(error => {
        if (error instanceof SyntaxError) throw new ArchiveError(`${name} in the archive is damaged`)
        throw error
      })
      if (!written.startsWith('{')) throw new ArchiveError(`${name} in the archive is damaged`)
      lines.push(`{"instance_id":"${instance.id}"${written === '{}' ? '' : ','}${written.slice(1)}`)
    }
    const list = columns.map(column => `"${column.replaceAll('"', '""')}"`).join(', ')
    const target = `${SCHEMA}."${table.replaceAll('"', '""')}"`
    const { rowCount } = await driver
      .query(`insert into ${target} (${list}) select ${list} from json_populate_recordset(null::${target}, $1::json)`, [
        `[${lines.join(',')}]`,
      ])
      .catch((error: unknown) => {
        // Classes 22 and 23: values that are no such thing, missing, or there twice. Anything else is not the archive's fault.
        const { code, message } = error as { code?: string; message?: string }
        if (/^2[23]/.test(code ?? '')) throw new ArchiveError(`${name} in the archive cannot be stored: ${message}`)
        throw error
      })
    counted[table] = (counted[table] ?? 0) + (rowCount ?? 0)
  }

  while (!next.done) {
    const { name } = next.value
    const [kind, second = ''] = name.split('/')
    if (end) throw new ArchiveError(`${name} in the archive comes after its end`)
    if (kind === 'blobs' && /^[0-9a-f]{32}$/.test(second)) {
      const { key } = await ground.blobs.put(instance.id, Readable.from(blobPieces(second), { objectMode: false }))
      renamed.set(second, key)
      // Its pieces have moved `next` on.
      continue
    }
    if (kind === 'rows') await insertRows(second, next.value)
    else if (name === 'end.json') end = readEnd(next.value)
    else throw new ArchiveError(`${name} in the archive is nothing that an instance has`)
    next = await files.next()
  }
  if (!end) throw new ArchiveError('The archive is cut: its end is missing')
  for (const [table, expected] of Object.entries(end.rows)) {
    if ((counted[table] ?? 0) !== expected && known.has(table))
      throw new ArchiveError(
        `The archive is not whole: ${table} has ${counted[table] ?? 0} rows instead of ${expected}`,
      )
  }
  if (end.blobs !== renamed.size)
    throw new ArchiveError(`The archive is not whole: ${renamed.size} contents instead of ${end.blobs}`)

  for (const hook of deps.imported) await hook(instance)
  const opened = await lifecycle.update(instance, { blocked: null })
  ground.log.info('an instance was imported', { domain: opened.domain, rows: counted, blobs: renamed.size })
  const rows = Object.values(counted).reduce((total, count) => total + count, 0)
  return { instance: opened, rows, blobs: renamed.size, blobBytes, leftOut: end.leftOut }
}

function parseJson({ name, content }: TarFile): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch (error) {
    throw new ArchiveError(`${name} in the archive is no JSON: ${(error as Error).message}`)
  }
}

function readEnd(file: TarFile): End {
  const parsed = endSchema.safeParse(parseJson(file))
  if (!parsed.success) throw new ArchiveError('The end of the archive cannot be read')
  return parsed.data
}
