import type { Invoice } from './data.ts'
import type { ModeSetting } from './modes.ts'
import type { TokenSet } from './oauth.ts'
import type { RequestRecord } from './request-log.ts'

/** A customer of the vendor. Times are the vendor's clock, amounts cents. */
export interface DemoUser {
  email: string
  password: string
  firstName: string
  lastName: string
  /** Ask for a code by text message at login. */
  twoFactor?: boolean
  /** A new customer: contract, no invoice. */
  noInvoices?: boolean
}

export interface TextMessage {
  to: string
  code: string
  text: string
  at: Date
}

export interface DemoVendorOptions {
  /** 0, the default, takes a free port. */
  port?: number
  /** Address to listen on, default 127.0.0.1. */
  host?: string
  mode?: ModeSetting
  /** Exactly this many invoices for each customer who has any, on one contract. Default: three contracts, 29 invoices. */
  invoices?: number
  users?: DemoUser[]
  /** Changes every amount; default 1. */
  seed?: number
  /** Decides which invoices exist and when sessions, codes and tokens end. Cookie `Expires` dates are real time. */
  clock?: () => Date
  /** Life of an access token in seconds, default 3600. */
  accessTokenSeconds?: number
  /** Limit of /api/v1 per token. Default: none. */
  apiRateLimit?: { requests: number; seconds: number }
  /** Called with each text message (2FA code), e.g. to print it. */
  onTextMessage?: (message: TextMessage) => void
}

/** A running vendor. `close` (or `await using`) ends every connection, hanging ones included. */
export interface DemoVendor {
  /** `http://127.0.0.1:<port>`, no slash at the end. */
  readonly url: string
  readonly port: number
  readonly users: readonly DemoUser[]
  /** Every request answered or being answered, oldest first; the `/_…` pages are not counted. */
  readonly requests: readonly RequestRecord[]
  /** How many requests had this method (`*` for any) and path (`*` matches anything). */
  count(method: string, path: string): number
  clearRequests(): void
  /** Replaces the whole mode; `{}` is normal. Throws on an unknown behaviour. */
  setMode(mode: ModeSetting): void
  /** Adds one invoice to a customer (default: the first user), dated today unless said otherwise. */
  addInvoice(invoice?: Partial<Invoice>, email?: string): Invoice
  /** A customer's invoices, newest first. */
  invoicesOf(email: string): readonly Invoice[]
  /** The last 2FA code sent to this customer (default: to anybody), or undefined. */
  lastCode(email?: string): string | undefined
  /** Forgets failed logins. */
  unlock(email: string): void
  /** Forgets all web sessions, as a deployment of a real site does. */
  endSessions(): void
  /** An access and a refresh token without the browser dance. */
  issueTokens(email: string, options?: { expiresIn?: number; scope?: string }): TokenSet
  /** The person withdraws their consent: every token of theirs is refused from now on. */
  revokeTokens(email: string): void
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
