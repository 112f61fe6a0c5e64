import { BaseKonnector } from './base-konnector.ts'
import heavy from './heavy.cjs'
import { namespace, registerSecret } from './log.ts'
import { messageOf } from './process-handlers.ts'
import requestFactory, {
  createJar,
  type FactoryOptions,
  type RequestFunction,
  type RequestJar,
} from './request/index.ts'

const log = namespace('CookieKonnector')

/** Member of the account's `data.auth` that holds the cookies; the server encrypts it. */
const SESSION = 'session'

/** Shorter cookie values are words and numbers (`fr`, `1`), whose masking would only blur the log. */
const SHORTEST_SECRET = 12

/** Something that knows its cookies: a CozyBrowser. */
interface CookieOwner {
  // biome-ignore lint/suspicious/noExplicitAny: a tough-cookie jar of any version
  getCookieJar(): any
}

/**
 * A konnector that keeps its cookies from one run to the next (`sdk/exports.md` section 4). The subclass defines
 * `testSession`, and calls it: `if (!(await this.testSession())) await this.authenticate(...)`. Ends with `x.run()`.
 */
export class CookieKonnector extends BaseKonnector {
  /** The cookies of `this.request`, and of every other request made by `this.requestFactory`. */
  _jar: RequestJar
  request: RequestFunction

  /**
   * @param options of `requestFactory`, for `this.request`
   * @throws Error when the class has no `testSession`
   */
  constructor(options?: FactoryOptions) {
    super()
    if (!(this as { testSession?: unknown }).testSession) {
      throw new Error(
        'Could not find a testSession method. CookieKonnector needs it to test if a session is valid. Please implement it',
      )
    }
    this._jar = createJar()
    this.request = this.requestFactory(options)
  }

  override async initAttributes(): Promise<void> {
    await super.initAttributes()
    await this.initSession()
  }

  override async end(): Promise<void> {
    await this.saveSession()
    await super.end()
  }

  /** A request function with the konnector's cookies, whatever `options.jar` says. */
  requestFactory(options?: FactoryOptions): RequestFunction {
    // Called by subclasses, maybe before the constructor has come so far.
    this._jar ??= createJar()
    return requestFactory({ ...options, jar: this._jar })
  }

  /**
   * Forgets all cookies, here and in the account. The jar stays the one that `this.request` uses, so what is received
   * afterwards is sent and saved (FIX-5; upstream put another jar in its place).
   */
  async resetSession(): Promise<void> {
    log.debug('Reset cookie session...')
    this._jar._jar.removeAllCookiesSync()
    await this.saveSession()
  }

  /**
   * Brings the saved cookies back. The state RESET_SESSION, set by pages when the password has changed, forgets them.
   * @returns whether there were any
   */
  async initSession(): Promise<boolean> {
    if (this._account.state === 'RESET_SESSION') {
      log.debug('RESET_SESSION state found')
      try {
        await this.resetSession()
        await this.updateAccountAttributes({ state: null })
      } catch (error) {
        log.warn(`Could not reset the session: ${messageOf(error)}`)
      }
      // Even when the account could not be written: these cookies are not to be used.
      return false
    }
    try {
      // After a reset the account holds no cookies, so what is read here is never the old session.
      const text = this.getAccountData().auth?.[SESSION]
      const saved = typeof text === 'string' ? JSON.parse(text) : undefined
      if (saved) {
        log.debug('found saved session, using it...')
        // Sessions of tough-cookie 2.5 do not say `enableLooseMode`; the jar of a request is loose.
        const { CookieJar } = heavy.toughCookie()
        this._jar._jar = CookieJar.fromJSON({ enableLooseMode: true, ...saved }, this._jar._jar.store)
        hideCookies(saved)
        return true
      }
    } catch (error) {
      log.debug(`Could not parse session: ${(error as Error).name}`)
    }
    log.debug('Found no session')
    return false
  }

  /**
   * Keeps the cookies in the account; other members of its data stay.
   * @param owner a CozyBrowser: its cookies become the konnector's first
   */
  async saveSession(owner?: CookieOwner): Promise<void> {
    if (typeof owner?.getCookieJar === 'function') this._jar._jar = owner.getCookieJar()
    const session = this._jar._jar.toJSON()
    hideCookies(session)
    await this.saveAccountData({ ...this._account.data, auth: { [SESSION]: JSON.stringify(session) } })
    log.debug('saved the session')
  }

  override async signin(options: Parameters<BaseKonnector['signin']>[0] = {}) {
    const result = await super.signin({ ...options, requestInstance: this.request })
    await this.saveSession()
    return result
  }

  override saveFiles(...[entries, fields, options]: Parameters<BaseKonnector['saveFiles']>) {
    return super.saveFiles(entries, fields, { ...options, requestInstance: this.request })
  }

  override saveBills(...[entries, fields, options]: Parameters<BaseKonnector['saveBills']>) {
    return super.saveBills(entries, fields, { ...options, requestInstance: this.request })
  }
}

/** Cookies are keys to the user's session: not in the logs. */
function hideCookies(session: unknown): void {
  const { cookies = [] } = (session ?? {}) as { cookies?: { value?: unknown }[] }
  for (const { value } of cookies) {
    if (typeof value === 'string' && value.length >= SHORTEST_SECRET) registerSecret(value)
  }
}
