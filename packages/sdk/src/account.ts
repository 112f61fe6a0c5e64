import { documentPath, type StackClient } from '@konnectory/client'
import type { Account, FileDocument } from '@konnectory/protocol'
import type { JobMessage } from './environment.ts'
import type { FieldSpecs } from './fields.ts'
import { KonnectorError } from './konnector-error.ts'
import type { Log } from './logger.ts'

export const ACCOUNTS = 'io.cozy.accounts'

/** The account a run is for. */
export interface AccountHandle {
  readonly id: string | undefined
  /** What names the account at the vendor: login, e-mail... */
  readonly identifier: string | undefined
  /** The konnector's own memory, as last read or written. */
  readonly data: Record<string, unknown>
  /** The whole document, secrets included, as last read or written. */
  readonly document: Account
  /** Writes the konnector's memory: merged into what is there, or in its place with `merge: false`. */
  saveData(data: Record<string, unknown>, options?: { merge?: boolean }): Promise<Record<string, unknown>>
  /** Changes attributes of the document. */
  update(attributes: Record<string, unknown>): Promise<Account>
  /** Reads the document again. */
  reload(): Promise<Account>
  /**
   * Says that `loginSucceeded` will follow: without it a page takes 8 s without an error as a success.
   * Both do nothing in a run without an account.
   */
  announceLogin(): Promise<void>
  /** Tells a waiting page that the login worked. */
  loginSucceeded(): Promise<void>
}

/**
 * @param account as read from the stack; without `_id` when the run has none, and then nothing can be written
 * @param identifier what names it at the vendor
 */
export function createAccountHandle(
  client: StackClient,
  account: Account,
  identifier: string | undefined,
): AccountHandle {
  let current = account
  const id = account._id
  const needId = () => {
    if (id) return id
    throw new KonnectorError('CANNOT_FIND_ACCOUNT', {
      detail: 'this run has no account to write to (COZY_FIELDS.account)',
    })
  }
  const handle: AccountHandle = {
    id,
    identifier,
    get data() {
      return current.data ?? {}
    },
    get document() {
      return current
    },
    async saveData(data, { merge = true } = {}) {
      await handle.update({ data: merge ? { ...handle.data, ...data } : data })
      return handle.data
    },
    async update(attributes) {
      current = await client.data.updateAttributes<Account>(ACCOUNTS, needId(), attributes)
      return current
    },
    async reload() {
      current = await client.data.get<Account>(ACCOUNTS, needId())
      return current
    },
    async announceLogin() {
      if (id) await handle.update({ state: 'HANDLE_LOGIN_SUCCESS' })
    },
    async loginSucceeded() {
      if (id) await handle.update({ state: 'LOGIN_SUCCESS' })
    },
  }
  return handle
}

/**
 * Reads the job's account; `{}` when the job names none. That of a deletion is read at the revision it had.
 * @throws KonnectorError TOS_NOT_ACCEPTED or CANNOT_FIND_ACCOUNT (`exports.md` section 3)
 */
export async function fetchAccount(client: StackClient, message: JobMessage, log: Log): Promise<Account> {
  if (!message.account) {
    log.warn('the job names no account')
    return {}
  }
  const rev = message.account_deleted ? message.account_rev : undefined
  try {
    return await client.json<Account>('GET', documentPath(ACCOUNTS, message.account), { query: { rev } })
  } catch (error) {
    if (isTermsAnswer(error)) throw new KonnectorError('TOS_NOT_ACCEPTED', { cause: error })
    const detail = `cannot read the account ${message.account}: ${error instanceof Error ? error.message : error}`
    throw new KonnectorError('CANNOT_FIND_ACCOUNT', { cause: error, detail })
  }
}

function isTermsAnswer(error: unknown): boolean {
  const reason = (error as { reason?: unknown }).reason
  const list = Array.isArray(reason) ? reason : ((reason as { errors?: unknown } | undefined)?.errors ?? [])
  return Array.isArray(list) && (list[0] as { title?: unknown } | undefined)?.title === 'TOS Updated'
}

/**
 * Path of the folder files go to: the job's `folder_to_save`, else the account's `folderId`; undefined without both.
 * @throws KonnectorError NOT_EXISTING_DIRECTORY
 */
export async function findFolderPath(
  client: StackClient,
  message: JobMessage,
  account: Account,
): Promise<string | undefined> {
  const id = message.folder_to_save || account.folderId
  if (!id) return undefined
  let folder: FileDocument
  try {
    folder = await client.files.statById(id)
  } catch (error) {
    throw new KonnectorError('NOT_EXISTING_DIRECTORY', { cause: error, detail: `no directory has the id ${id}` })
  }
  return folder.attributes.path
}

/** What names the account at the vendor, in the order of `protocol/manifest.md` section 8.5. */
export function accountIdentifier(
  account: Account,
  specs: FieldSpecs,
  fields: Record<string, unknown>,
): string | undefined {
  const role = Object.keys(specs).find(name => specs[name]?.role === 'identifier' || specs[name]?.identifier === true)
  const named = typeof account.identifier === 'string' ? account.identifier : undefined
  for (const name of [named, role, 'login', 'identifier', 'new_identifier', 'email']) {
    const value = name === undefined ? undefined : fields[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
