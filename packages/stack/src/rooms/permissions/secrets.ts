import type { Tenant } from '#ground/tenant'

/** The keys of an instance, as far as tokens need them (`protocol/auth.md` §1). The instances room has them. */
export interface SigningKeys {
  session: Uint8Array
  oauth: Uint8Array
  cli: Uint8Array
}

export interface KeySource {
  secrets(tenant: Tenant): Promise<SigningKeys>
}
