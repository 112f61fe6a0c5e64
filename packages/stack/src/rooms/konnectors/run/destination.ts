import type { Ground } from '#ground/ground'
import type { Accounts } from '#rooms/accounts'
import { type DirectoryEntry, FILES, type Files, SERVER, TRASH_PATH } from '#rooms/files'
import type { Instance } from '#rooms/instances'
import { KONNECTORS } from '../konnector.ts'

export interface DestinationDeps {
  ground: Pick<Ground, 'documents' | 'database' | 'clock'>
  files: Pick<Files, 'service' | 'reader'>
  accounts: Pick<Accounts, 'open' | 'change'>
}

export interface DestinationRequest {
  instance: Instance
  slug: string
  /** Name of the konnector for people. */
  name: string
  /** `folder_to_save` of the message. */
  wanted: string
  account: string | undefined
}

const IDENTIFIER = 'io.cozy.accounts.sourceAccountIdentifier'

/**
 * The folder a run saves into, made when there is none (`protocol/konnector-runtime.md` §4): the one named, else the only one that
 * refers to the konnector and to nobody else's login, else a new one at the account's path.
 * @returns its id; undefined when there is nothing to go by (no account): the message stays as it is
 */
export async function destinationOf(
  { ground, files, accounts }: DestinationDeps,
  request: DestinationRequest,
): Promise<string | undefined> {
  const { instance, slug, wanted, account } = request
  const named = await files.reader.byId(instance, wanted)
  if (named?.type === 'directory' && !isTrashed(named)) return named._id
  const stored = account === undefined ? undefined : await accounts.open(instance, account)
  const metadata = (stored?.cozyMetadata ?? {}) as Record<string, unknown>
  const identifier = typeof metadata.sourceAccountIdentifier === 'string' ? metadata.sourceAccountIdentifier : undefined
  const known = (await referring(ground, instance, slug)).filter(directory => suits(directory, identifier))
  if (known.length === 1) return known[0]?._id
  if (account === undefined || !stored) return undefined

  const path =
    text(stored.defaultFolderPath) ?? text(stored.folderPath) ?? (await usualPath(request, files, stored, account))
  const directory = await files.service.createDirectoryAt(instance, SERVER, path, {
    recursive: true,
    about: { sourceAccount: account, sourceAccountIdentifier: identifier },
  })
  await refer(ground, instance, directory, { slug, account, identifier })
  if (text(stored.defaultFolderPath) === undefined) {
    // Only this member: what else the account holds, sealed members among it, is not ours to write again.
    await accounts.change(instance, account, body => ({ ...body, defaultFolderPath: path }))
  }
  return directory._id
}

const isTrashed = ({ path }: DirectoryEntry) => path === TRASH_PATH || path.startsWith(`${TRASH_PATH}/`)
const text = (value: unknown) => (typeof value === 'string' && value.startsWith('/') ? value : undefined)

/** Directories that refer to a konnector. */
async function referring(
  { documents, database }: DestinationDeps['ground'],
  instance: Instance,
  slug: string,
): Promise<DirectoryEntry[]> {
  const { rows } = await database.driver.query<{ id: string }>(
    `select id from docs where instance_id = $1 and doctype = 'io.cozy.files' and not deleted
        and doc ->> 'type' = 'directory' and doc -> 'referenced_by' @> $2::jsonb order by id limit 100`,
    [instance.id, JSON.stringify([{ type: KONNECTORS, id: `${KONNECTORS}/${slug}` }])],
  )
  const found = await documents.of(instance).getMany(
    FILES,
    rows.map(({ id }) => id),
  )
  return found.flatMap(document =>
    document && !document.deleted
      ? [{ ...(document.body as unknown as DirectoryEntry), _id: document.id, _rev: document.rev }]
      : [],
  )
}

/** Not in the trash, and not that of another login. */
function suits(directory: DirectoryEntry, identifier: string | undefined): boolean {
  if (isTrashed(directory)) return false
  if (identifier === undefined) return true
  const logins = (directory.referenced_by ?? []).filter(({ type }) => type === IDENTIFIER)
  return logins.length === 0 || logins.some(({ id }) => id === identifier)
}

async function usualPath(
  { instance, name }: DestinationRequest,
  files: DestinationDeps['files'],
  account: Record<string, unknown>,
  id: string,
): Promise<string> {
  const root = await administrative(files, instance)
  const title = name.replace(/(^|\s)\S/g, letter => letter.toUpperCase())
  return `${root}/${clean(title)}/${clean(displayName(account) ?? id)}`
}

/** The administrative folder has its path in its reference; without one, things go to the root. */
async function administrative({ reader }: DestinationDeps['files'], instance: Instance): Promise<string> {
  const path = instance.locale.startsWith('fr') ? '/Administratif' : '/Administrative'
  const found = await reader.mustByPath(instance, path).catch(() => undefined)
  return found?.type === 'directory' ? found.path : path
}

/** `protocol/accounts-oauth.md` §1: the name chosen, else the login. */
function displayName({ auth, identifier }: Record<string, unknown>): string | undefined {
  const form = (typeof auth === 'object' && auth !== null ? auth : {}) as Record<string, unknown>
  const names = [
    'accountName',
    ...(typeof identifier === 'string' ? [identifier] : []),
    'login',
    'identifier',
    'new_identifier',
    'email',
  ]
  return names
    .map(member => form[member])
    .find((value): value is string => typeof value === 'string' && value.trim() !== '')
}

const clean = (name: string) => name.replace(/[&/\\#,+()$@~%.'":*?<>{}]/g, '_').trim() || '_'

/** A directory that refers to nothing yet is the konnector's from now on. */
async function refer(
  { documents, clock }: DestinationDeps['ground'],
  instance: Instance,
  { _id }: DirectoryEntry,
  { slug, account, identifier }: { slug: string; account: string; identifier: string | undefined },
): Promise<void> {
  await documents.transaction(instance, async writer => {
    const document = await writer.get(FILES, _id)
    if (!document || document.deleted) return
    const references = document.body.referenced_by
    if (Array.isArray(references) && references.length > 0) return
    const now = clock.now().toISOString()
    const referenced_by = [
      { type: KONNECTORS, id: `${KONNECTORS}/${slug}` },
      ...(identifier === undefined ? [] : [{ type: IDENTIFIER, id: identifier }]),
    ]
    const metadata = document.body.cozyMetadata as Record<string, unknown> | undefined
    const cozyMetadata = {
      ...metadata,
      createdByApp: slug,
      createdOn: instance.url,
      sourceAccount: account,
      updatedAt: now,
      updatedByApps: [{ slug, date: now, instance: instance.url }],
    }
    await writer.update(FILES, _id, document.rev, { ...document.body, referenced_by, cozyMetadata })
  })
}
