import type { AccountHandle } from './account.ts'
import type { CookieJar } from './http/cookie-jar.ts'
import { HttpError } from './http/http-errors.ts'
import type { Logger } from './logger.ts'

/** Cookies kept on the account between runs, so that most runs need no login. */
export interface Session {
  /**
   * Loads the saved cookies, asks `test` whether they still open the vendor's door, calls `login` if not, saves.
   * A page that waits for the login is told when it worked.
   * @returns which of the two it was
   */
  restoreOrLogin(steps: SessionSteps): Promise<'restored' | 'logged-in'>
  /** Loads the saved cookies into `http`; false when there are none. */
  restore(): Promise<boolean>
  /**
   * Saves the cookies of `http` on the account; nowhere in a run without one.
   * Done by itself at the end of a successful run that used the session.
   */
  save(): Promise<void>
  /** Forgets the cookies, here and on the account. */
  reset(): Promise<void>
}

export interface SessionSteps {
  /** True when the cookies still work. An HttpError with a status under 500 counts as false. */
  test(): boolean | Promise<boolean>
  /** Logs in; throw `errors.loginFailed()` when the vendor says the credentials are wrong. */
  login(): unknown
}

export interface SessionEnd {
  /** Saves what changed since the last save, if the session was used in this run. */
  finish(): Promise<void>
}

/**
 * The format on the account is that of the older library (`exports.md` section 4): `data.auth.session` holds the JSON text
 * of a tough-cookie jar; other members of `data` and `data.auth` are kept.
 */
export function createSession(account: AccountHandle, jar: CookieJar, log: Logger): Session & SessionEnd {
  let savedVersion: number | undefined
  const stored = () => (account.data.auth ?? {}) as { session?: unknown }
  /** Cookies are keys to the account; short ones are choices: a language, a flag. */
  const hideCookies = () => {
    for (const { value = '' } of jar.toJSON().cookies) if (value.length >= 12) log.hide(value)
  }

  const session: Session & SessionEnd = {
    async restore() {
      savedVersion = jar.version
      if (account.document.state === 'RESET_SESSION') {
        log.debug('the saved session is to be forgotten')
        await session.reset()
        await account.update({ state: null })
        return false
      }
      const text = stored().session
      if (text === undefined || text === null || text === '') return false
      try {
        jar.load(text)
        hideCookies()
      } catch (error) {
        log.debug(`the saved session cannot be read: ${(error as Error).message}`)
        return false
      }
      savedVersion = jar.version
      return jar.size > 0
    },
    async restoreOrLogin(steps) {
      if ((await session.restore()) && (await works(steps))) {
        log.debug('the saved session still works')
        return 'restored'
      }
      await account.announceLogin()
      await steps.login()
      await account.loginSucceeded()
      await session.save()
      return 'logged-in'
    },
    async save() {
      savedVersion = jar.version
      hideCookies()
      if (account.id) await account.saveData({ auth: { ...stored(), session: JSON.stringify(jar) } })
    },
    async reset() {
      jar.clear()
      await session.save()
    },
    async finish() {
      if (savedVersion !== undefined && jar.version !== savedVersion) await session.save()
    },
  }
  return session
}

async function works(steps: SessionSteps): Promise<boolean> {
  try {
    return await steps.test()
  } catch (error) {
    // 401 and 403 are the usual way to say "log in again"; a vendor that is down is no reason to send credentials.
    if (error instanceof HttpError && error.status < 500) return false
    throw error
  }
}
