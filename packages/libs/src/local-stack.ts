import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { currentManifest } from './manifest.ts'

/** Account of a run without a server. */
export const DEFAULT_ACCOUNT_ID = 'default_account_id'

/** Where the author's fields are. */
const CONFIG_FILE = 'konnector-dev-config.json'

/** What `COZY_FIELDS` says to a run in this process. */
interface LocalFields {
  account?: string
  /** A directory of this disk, where a server gives an id. */
  folder_to_save?: string
}

/**
 * A `fetch` answered by a stack in this process, kept in files (`sdk/stub.md`): documents in `importedData.json`, files
 * under `COZY_FIELDS.folder_to_save` or the current directory, the account from `konnector-dev-config.json`, first
 * documents from `fixture.json`. The stack is loaded and its files opened at the first request.
 */
export function createLocalFetch(): typeof globalThis.fetch {
  const fields = localFields()
  const root = fields.folder_to_save ?? '.'
  let opening: Promise<typeof globalThis.fetch> | undefined
  return async (input, init) => {
    opening ??= open(root, fields)
    const fetch = await opening
    return fetch(atRoot(input, root), init)
  }
}

/** @returns `COZY_FIELDS`, or what a standalone run without it needs: the account of the configuration, the current directory */
export function localFields(): LocalFields {
  const { COZY_FIELDS, NODE_ENV } = process.env
  if (COZY_FIELDS) return (JSON.parse(COZY_FIELDS) as LocalFields | null) ?? {}
  if (NODE_ENV !== 'standalone' || !existsSync(CONFIG_FILE)) return {}
  return { account: DEFAULT_ACCOUNT_ID, folder_to_save: '.' }
}

async function open(root: string, fields: LocalFields): Promise<typeof globalThis.fetch> {
  const { createLocalStack, parseJsonWithComments } = await import('@konnectory/standalone')
  const read = (file: string) => parseJsonWithComments(readFileSync(file, 'utf8'), file)
  const config = existsSync(CONFIG_FILE) ? (read(CONFIG_FILE) as { fields?: Record<string, unknown> }) : undefined
  const auth = config?.fields ?? {}
  const stack = createLocalStack({
    root: resolve(root),
    dataFile: resolve(dataDirectory(root, config, auth), 'importedData.json'),
    account: { id: fields.account ?? DEFAULT_ACCOUNT_ID, auth },
    ...(existsSync('fixture.json') ? { fixture: resolve('fixture.json') } : {}),
    ...(currentManifest().slug ? { slug: currentManifest().slug as string } : {}),
  })
  // The data file is for people: written whole at the end, synchronously, whatever ends the process.
  process.once('exit', () => void stack.flush())
  return stack.fetch
}

/** The current directory; with a configuration its `fields.folderPath`, else the root (`sdk/stub.md` section 1). */
function dataDirectory(root: string, config: object | undefined, auth: Record<string, unknown>): string {
  if (!config) return '.'
  return typeof auth.folderPath === 'string' && existsSync(auth.folderPath) ? auth.folderPath : root
}

/** Old callers put the path of the root directory where a server puts its id. */
function atRoot(input: Parameters<typeof fetch>[0], root: string): Parameters<typeof fetch>[0] {
  if (typeof input !== 'string') return input
  const path = `/files/${encodeURIComponent(root)}`
  const [address, query] = input.split('?', 2)
  if (!address?.endsWith(path)) return input
  const direct = `${address.slice(0, -path.length)}/files/io.cozy.files.root-dir`
  return query === undefined ? direct : `${direct}?${query}`
}
