import type { Account } from '@konnectory/protocol'
import { cozyClient } from './cozy-client/index.ts'
import { namespace, registerSecret } from './log.ts'

const log = namespace('BaseKonnector')

/** Ways a code reaches the user that pages have a text for. */
const KNOWN_TYPES = ['email', 'sms', 'app_code', 'app']

const DEFAULT_PATIENCE = 3 * 60_000

export interface TwoFaOptions {
  /** How the code reaches the user; default `email`. */
  type?: 'email' | 'sms' | 'app_code' | 'app' | (string & {})
  /** Epoch milliseconds; default 3 minutes from now. */
  endTime?: number
  /** Milliseconds between two looks at the account; default 5000. */
  heartBeat?: number
  /** The code given before was wrong. */
  retry?: boolean
  /** @deprecated old name of `endTime` */
  timeout?: number
}

/** The account's state that asks for a code: `TWOFA_NEEDED.SMS`, `TWOFA_NEEDED_RETRY.EMAIL`... */
export function twoFaState(type: string | undefined, retry: boolean): string {
  const suffix = type !== undefined && KNOWN_TYPES.includes(type) ? `.${type.toUpperCase()}` : ''
  return (retry ? 'TWOFA_NEEDED_RETRY' : 'TWOFA_NEEDED') + suffix
}

/** The part of a konnector that asks for a code. */
interface Asking {
  accountId: string | undefined
  setTwoFAState(options: Pick<TwoFaOptions, 'type' | 'retry'>): Promise<void>
  resetTwoFAState(): Promise<void>
}

/** See `BaseKonnector.waitForTwoFaCode`. */
export async function waitForTwoFaCode(konnector: Asking, options: TwoFaOptions): Promise<string> {
  if (process.env.COZY_JOB_MANUAL_EXECUTION !== 'true') {
    log.warn('waitForTwoFaCode: this is not a manual execution. It is not possible to handle 2FA here.')
    throw new Error('USER_ACTION_NEEDED.TWOFA_EXPIRED')
  }
  if (options.timeout) {
    log.warn('The timeout option for waitForTwoFaCode is deprecated. Please use the endTime option now')
  }
  const { type = 'email', heartBeat = 5000, retry = false } = options
  const endTime = options.timeout || (options.endTime ?? Date.now() + DEFAULT_PATIENCE)
  await konnector.setTwoFAState({ type, retry })
  while (Date.now() < endTime) {
    await new Promise(resolve => setTimeout(resolve, heartBeat))
    const account = (await cozyClient.data.find('io.cozy.accounts', konnector.accountId as string)) as Account
    // Never the code itself (FIX-4).
    log.debug(`current accountState : ${account.state}`)
    if (account.twoFACode) {
      registerSecret(account.twoFACode)
      await konnector.resetTwoFAState()
      return account.twoFACode
    }
  }
  throw new Error('USER_ACTION_NEEDED.TWOFA_EXPIRED')
}
