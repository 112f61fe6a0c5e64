import type { Tenant } from '#ground/tenant'

/** Why an instance answers no requests (`protocol/conventions.md` §2). */
export const BLOCKING_REASONS = ['LOGIN_FAILED', 'PAYMENT_FAILED', 'IMPORTING', 'MOVING', 'UNKNOWN'] as const
export type BlockingReason = (typeof BLOCKING_REASONS)[number]

/** One person's space. Not changed in place: another object comes out of `update`. */
export interface Instance extends Tenant {
  /** What clients see as `uuid` in the settings; no key of anything. */
  uuid: string
  /** IANA name, `Europe/Paris`. */
  tz: string
  /** Name of the configuration it belongs to. */
  context: string
  email: string
  publicName: string
  autoUpdate: boolean
  onboardingFinished: boolean
  authMode: 'basic'
  blocked?: BlockingReason | undefined
  /** Bytes; undefined: unlimited. */
  quotaBytes?: number | undefined
  /** Feature flags of this instance. */
  flags: Record<string, unknown>
  passphraseDefined: boolean
  createdAt: string
}

/** Name under which instances that changed are told in the news; no doctype of anybody. The document tells what: `{change}`. */
export const INSTANCE_NEWS = 'konnectory.instances'
/** `secrets`: tokens and sessions signed with the session secret are void. */
export type InstanceChange = 'created' | 'updated' | 'secrets' | 'destroyed'

export const SETTINGS = 'io.cozy.settings'
export const INSTANCE_SETTINGS_ID = 'io.cozy.settings.instance'

/** The keys of an instance, 64 bytes each. */
export interface InstanceSecrets {
  session: Uint8Array
  oauth: Uint8Array
  cli: Uint8Array
}
