import { type Customer, DEFAULT_USERS, makeCustomer } from './data.ts'
import { createLockout, type Lockout } from './lockout.ts'
import { createModes, type Modes } from './modes.ts'
import { createOAuthServer, type OAuthServer } from './oauth.ts'
import type { DemoVendorOptions } from './options.ts'
import { createPhone, type Phone } from './phone.ts'
import { createRateLimit, type RateLimit } from './rate-limit.ts'
import { createSessions, type Sessions } from './sessions.ts'

/** Everything a vendor remembers. Routes get it, none keeps anything of its own. */
export interface VendorState {
  seed: number
  clock: () => Date
  customers: Map<string, Customer>
  sessions: Sessions
  lockout: Lockout
  phone: Phone
  oauth: OAuthServer
  rateLimit: RateLimit
  modes: Modes
  /** Who accepted the terms of mode `new-terms`; emptied when the mode changes. */
  acceptedTerms: Set<string>
}

export function createState(options: DemoVendorOptions): VendorState {
  const seed = options.seed ?? 1
  const clock = options.clock ?? (() => new Date())
  const plan = { seed, now: clock(), ...(options.invoices === undefined ? {} : { invoices: options.invoices }) }
  const users = options.users ?? DEFAULT_USERS
  return {
    seed,
    clock,
    customers: new Map(users.map(user => [user.email, makeCustomer(user, plan)])),
    sessions: createSessions(clock),
    lockout: createLockout(clock),
    phone: createPhone(seed, clock, options.onTextMessage),
    oauth: createOAuthServer({ seed, clock, accessTokenSeconds: options.accessTokenSeconds ?? 3600 }),
    rateLimit: createRateLimit(clock, options.apiRateLimit),
    modes: createModes(options.mode),
    acceptedTerms: new Set(),
  }
}
