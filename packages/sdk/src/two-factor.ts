import type { AccountHandle } from './account.ts'
import { KonnectorError } from './konnector-error.ts'
import type { Logger } from './logger.ts'
import { pause } from './pause.ts'

/** Where the vendor sends the code. */
export type TwoFactorType = 'email' | 'sms' | 'app_code' | 'app'

export interface TwoFactorQuestion {
  /** Default `email`. */
  type?: TwoFactorType
  /** The code given before was wrong. */
  retry?: boolean
  /** When to stop waiting: a date, or epoch milliseconds. Default 3 minutes from now, but never past the time limit. */
  until?: Date | number
  /** Milliseconds between two looks at the account. Default 1,000: the owner is waiting. */
  every?: number
}

export interface TwoFactor {
  /**
   * Asks the owner for the code and waits. Works only in a run that the owner started and is watching.
   * @returns the code
   * @throws KonnectorError USER_ACTION_NEEDED.TWOFA_EXPIRED when nobody is there, or nothing came in time
   */
  ask(question?: TwoFactorQuestion): Promise<string>
}

export interface TwoFactorSetup {
  account: AccountHandle
  log: Logger
  signal: AbortSignal
  /** The owner started this run. */
  manual: boolean
  now?: () => number
}

/** The account's states are those of `exports.md` section 3; the code is never written to the log (FIX-4). */
export function createTwoFactor(setup: TwoFactorSetup): TwoFactor {
  const { account, log, signal, manual } = setup
  const now = setup.now ?? Date.now
  return {
    async ask({ type = 'email', retry = false, until = now() + 180_000, every = 1_000 } = {}) {
      if (!manual) {
        log.warn('a code is needed, but this run was not started by the owner')
        throw new KonnectorError('USER_ACTION_NEEDED.TWOFA_EXPIRED')
      }
      await account.update({ state: stateOf(type, retry), twoFACode: null })
      log.structured('info', 'waiting for the code', 'two-factor', { stage: 'two-factor' })
      const end = Number(until)
      while (now() < end) {
        await pause(Math.min(every, Math.max(0, end - now())), signal)
        const { twoFACode: code } = await account.reload()
        if (!code) continue
        log.hide(code)
        await account.update({ state: null, twoFACode: null })
        return code
      }
      // The state stays on the account, so that a page can still say what was asked.
      throw new KonnectorError('USER_ACTION_NEEDED.TWOFA_EXPIRED')
    },
  }
}

function stateOf(type: TwoFactorType, retry: boolean): string {
  const suffixes: Record<TwoFactorType, string> = { email: '.EMAIL', sms: '.SMS', app_code: '.APP_CODE', app: '.APP' }
  return (retry ? 'TWOFA_NEEDED_RETRY' : 'TWOFA_NEEDED') + (suffixes[type] ?? '')
}
