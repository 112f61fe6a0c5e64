import type { Body } from '#ground/documents/contract'

export const ACCOUNTS = 'io.cozy.accounts'
/** Copies of deleted accounts, for the konnector's cleaning run. Not reachable through `/data`. */
export const SOFT_DELETED = 'io.cozy.accounts.soft_deleted'

/** Type of an account, usually the slug of its konnector; undefined when it is none. */
export function accountTypeOf({ account_type: type }: Body): string | undefined {
  return typeof type === 'string' && type !== '' ? type : undefined
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
