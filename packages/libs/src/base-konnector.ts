import { inspect } from 'node:util'
import type { Account } from '@konnectory/protocol'
import { accountContext, loginOf, secretAccount } from './account-context.ts'
import { cozyClient } from './cozy-client/index.ts'
import { installFetchCompat } from './cozy-client/node-response.ts'
import { errors } from './errors.ts'
import { handOverOrDie } from './hand-over.ts'
import { namespace, registerSecret, Secret } from './log.ts'
import { type CozyMetadataDraft, getCozyMetadata } from './manifest.ts'
import { attachProcessEventHandlers, messageOf } from './process-handlers.ts'
import { markRunStart } from './run-deadline.ts'
import { checkTOS, findFolderPath, readCozyFields, readPayload } from './run-environment.ts'
import { saveBills } from './save-bills.ts'
import { saveFiles } from './save-files.ts'
import { saveIdentity } from './save-identity.ts'
import { captureExceptionAndDie } from './sentry.ts'
import { signin } from './signin.ts'
import { hasStack } from './stack-client.ts'
import { type TwoFaOptions, twoFaState, waitForTwoFaCode } from './two-fa.ts'
import { updateOrCreate } from './update-or-create.ts'
import { failureSummary, isVendorDown } from './vendor-down.ts'

const log = namespace('BaseKonnector')

/** The server cuts longer lines (`sdk/exports.md` section 3). */
const LONGEST_ERROR = 32767

// biome-ignore lint/suspicious/noExplicitAny: whatever the manifest's fields and the account's provider say
export type Fields = Record<string, any>

/** `COZY_PARAMETERS`; null when the server has none. */
// biome-ignore lint/suspicious/noExplicitAny: free form
export type Parameters = Record<string, any> | null

/** The work of a konnector. `this` is the konnector unless it is an arrow function. */
export type FetchFunction = (this: BaseKonnector, fields: Fields, parameters: Parameters) => unknown

/**
 * What a konnector is built on (`sdk/exports.md` section 3). Two forms:
 *
 * ```js
 * module.exports = new BaseKonnector(start)   // runs at once; the value is a promise, not an instance
 * async function start(fields) { await this.saveBills(...) }
 *
 * class Mine extends BaseKonnector { async fetch(fields) { ... } }
 * new Mine().run()
 * ```
 */
export class BaseKonnector {
  /** `auth` and `oauth` of the account, and `folderPath`. Set by `initAttributes`. */
  declare fields: Fields
  declare parameters: Parameters
  declare accountId: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: an account's members are free
  declare _account: any

  /** @param fetch the work; when given, it is run at once and `new` gives the promise of its end */
  constructor(fetch?: FetchFunction) {
    this.deactivateAutoSuccessfulLogin = once(this.deactivateAutoSuccessfulLogin)
    attachProcessEventHandlers()
    if (typeof fetch !== 'function') return
    this.fetch = fetch.bind(this)
    // biome-ignore lint/correctness/noConstructorReturn: the documented form of 71 konnectors
    return this.run() as never
  }

  /** Prepares, works, ends; a failure ends the process with code 1. Never rejects by itself. */
  async run(): Promise<void> {
    if (!hasStack()) handOverOrDie()
    markRunStart()
    installFetchCompat()
    try {
      log.debug('Preparing konnector...')
      await this.initAttributes()
      log.debug('Running konnector main...')
      await this.main(this.fields, this.parameters)
      await this.end()
    } catch (error) {
      log.warn('Error from konnector')
      await this.fail(error)
    }
  }

  /** The work; default `fetch`. */
  main(fields: Fields, parameters: Parameters): unknown {
    return this.fetch(fields, parameters)
  }

  /** To be given by the subclass, or to the constructor. */
  fetch(_fields: Fields, _parameters: Parameters): unknown {
    throw new Error(
      'This konnector has no fetch method: give a function to BaseKonnector, or define fetch in your class',
    )
  }

  /** Called after a success. */
  end(): unknown {
    log.debug('The connector has been run')
    return undefined
  }

  /**
   * Called with what was thrown: an Error, a text, anything. Ends the process. A vendor that does not answer is VENDOR_DOWN
   * even when the konnector does not say so.
   */
  fail(error: unknown): unknown {
    log.debug('Error caught by BaseKonnector')
    const { message, no_retry } = (error ?? {}) as { message?: unknown; no_retry?: unknown }
    if (typeof error === 'object' && error !== null && !message) log.warn(inspect(error), 'thrown')
    if (no_retry === true) notToRetry.add(this)
    if (isVendorDown(error)) {
      log.warn(failureSummary(error), 'the vendor does not answer')
      return this.terminate(errors.VENDOR_DOWN)
    }
    return this.terminate(message || error || 'UNKNOWN_ERROR')
  }

  /** Ends the run now with this error. @param error a code of `errors`, any text, or an Error */
  terminate(error: unknown): void {
    const message = String(error).slice(0, LONGEST_ERROR)
    log.critical(notToRetry.has(this) ? { message, no_retry: true } : message)
    captureExceptionAndDie(error)
  }

  /** Reads the environment and the account: sets `parameters`, `accountId`, `_account` and `fields`. */
  async initAttributes(): Promise<void> {
    const cozyFields = readCozyFields()
    this.parameters = JSON.parse(process.env.COZY_PARAMETERS || '{}')
    registerSecret(this.parameters?.secret)

    const account = (cozyFields.account ? await this.getAccount(cozyFields.account) : undefined) ?? ({} as Account)
    if (!account._id) log.warn('No account was retrieved from getAccount')
    this.accountId = account._id
    this._account = secretAccount(account)

    const folderPath = await findFolderPath(cozyFields, account)
    this.fields = { ...account.auth, ...account.oauth, ...(folderPath ? { folderPath } : {}) }
  }

  /** @throws Error `TOS_NOT_ACCEPTED`, `CANNOT_FIND_ACCOUNT` */
  async getAccount(id: string): Promise<Account> {
    try {
      return (await cozyClient.data.find('io.cozy.accounts', id)) as Account
    } catch (error) {
      checkTOS(error)
      log.error(messageOf(error))
      log.error(`Account ${id} does not exist`)
      throw new Error('CANNOT_FIND_ACCOUNT', { cause: error })
    }
  }

  /**
   * What a webhook sent: JSON of `COZY_PAYLOAD`, or of the file beside the konnector that `@file` names.
   * @returns null when there is none (unset, or empty as the server sets it: FIX-3)
   * @throws Error that shows the file or the text that is not JSON
   */
  async readPayload(): Promise<unknown> {
    return readPayload()
  }

  /** What the konnector has kept with `saveAccountData`: a shallow copy. */
  // biome-ignore lint/suspicious/noExplicitAny: free form
  getAccountData(): any {
    return new Secret(this._account.data || {})
  }

  /**
   * Keeps data with the account, for the next runs.
   * @param options `merge` false: replaces all that was kept
   * @returns the account's new data
   */
  async saveAccountData(
    data: Record<string, unknown>,
    options: { merge?: boolean } = {},
  ): Promise<Record<string, unknown>> {
    const kept = options.merge === false ? {} : { ...this.getAccountData() }
    const account = await this.updateAccountAttributes({ data: { ...kept, ...data } })
    return account.data ?? {}
  }

  /** Changes the account. @returns the account as stored */
  async updateAccountAttributes(attributes: Record<string, unknown>): Promise<Account> {
    const account = await cozyClient.data.updateAttributes('io.cozy.accounts', this.accountId as string, attributes)
    this._account = secretAccount(account as Account)
    return account as Account
  }

  /** Tells the user's page that a code is wanted, and how it is sent. */
  async setTwoFAState({ type, retry = false }: Pick<TwoFaOptions, 'type' | 'retry'> = {}): Promise<void> {
    const state = twoFaState(type, retry)
    log.debug(`Setting ${state} state into the current account`)
    await this.updateAccountAttributes({ state, twoFACode: null })
  }

  async resetTwoFAState(): Promise<void> {
    await this.updateAccountAttributes({ state: null, twoFACode: null })
  }

  /**
   * Asks the user for a code and waits for it.
   * @throws Error `USER_ACTION_NEEDED.TWOFA_EXPIRED` when no code came in time, leaving the state on the account; at once
   *   when the run was not started by the user, who is then not there to answer
   */
  async waitForTwoFaCode(options: TwoFaOptions = {}): Promise<string> {
    return waitForTwoFaCode(this, options)
  }

  /** Tells the user's page that the login worked. */
  async notifySuccessfulLogin(): Promise<void> {
    log.debug('Notify Cozy-Home of successful login')
    await this.updateAccountAttributes({ state: 'LOGIN_SUCCESS' })
  }

  /** Tells the user's page not to take some seconds without error for a successful login. Done once per konnector. */
  async deactivateAutoSuccessfulLogin(): Promise<void> {
    log.debug('Deactivating auto success for Cozy-Home')
    await this.updateAccountAttributes({ state: 'HANDLE_LOGIN_SUCCESS' })
  }

  /** `saveBills` for this account. */
  saveBills(...[entries, fields, options]: SaveParameters<typeof saveBills>): ReturnType<typeof saveBills> {
    return saveBills(entries, fields, { ...accountContext(this.accountId, loginOf(fields)), ...options })
  }

  /** `saveFiles` for this account. */
  saveFiles(...[entries, fields, options]: SaveParameters<typeof saveFiles>): ReturnType<typeof saveFiles> {
    return saveFiles(entries, fields, { ...accountContext(this.accountId, loginOf(fields)), ...options })
  }

  /** `updateOrCreate` for this account; the login comes from `options.fields`. */
  updateOrCreate(
    ...[entries, doctype, attributes, options]: SaveParameters<typeof updateOrCreate>
  ): ReturnType<typeof updateOrCreate> {
    const { login } = ((options as { fields?: Fields } | undefined)?.fields ?? {}) as Fields
    return updateOrCreate(entries, doctype, attributes, { ...accountContext(this.accountId, login), ...options })
  }

  /** `saveIdentity` for this account. */
  saveIdentity(
    ...[contact, identifier, options]: SaveParameters<typeof saveIdentity>
  ): ReturnType<typeof saveIdentity> {
    return saveIdentity(contact, identifier, { ...accountContext(this.accountId, identifier as string), ...options })
  }

  /**
   * `signin`, telling the user's page before and after.
   * @param options those of `signin`; `notifySuccessfulLogin: false` leaves the second to you
   */
  // biome-ignore lint/suspicious/noExplicitAny: what `parse` gives
  async signin(options: Partial<SigninOptions> & { notifySuccessfulLogin?: boolean } = {}): Promise<any> {
    const { notifySuccessfulLogin, ...others } = options
    await this.deactivateAutoSuccessfulLogin()
    const result = await signin(others as SigninOptions)
    if (notifySuccessfulLogin !== false) await this.notifySuccessfulLogin()
    return result
  }

  /** Metadata for a document of this account. @param data gets `sourceAccount`, and wins over the defaults */
  getCozyMetadata(data: CozyMetadataDraft = {}): CozyMetadataDraft {
    return getCozyMetadata(Object.assign(data, { sourceAccount: this.accountId }))
  }

  static findFolderPath = findFolderPath
  static checkTOS = checkTOS
}

/** Konnectors whose error says that trying again is no use. */
const notToRetry = new WeakSet<object>()

type SigninOptions = NonNullable<globalThis.Parameters<typeof signin>[0]>

/** Parameters of a save function, of which `this` adds to the last. */
// biome-ignore lint/suspicious/noExplicitAny: any function
type SaveParameters<F extends (...parameters: any[]) => unknown> = globalThis.Parameters<F>

/** @returns a function that calls `method` the first time, and gives that result again afterwards */
function once<T, R>(method: (this: T) => R): (this: T) => R {
  let result: { value: R } | undefined
  return function (this: T): R {
    result ??= { value: method.call(this) }
    return result.value
  }
}
