export type { AccountHandle } from './account.ts'
export type { Env } from './environment.ts'
export { ERROR_CODES, type ErrorCode } from './error-codes.ts'
export { type ExecuteOptions, execute, type Outcome } from './execute.ts'
export type { FieldSpec, FieldSpecs, FieldValues } from './fields.ts'
export * from './http/index.ts'
export {
  type AnyKonnector,
  defineKonnector,
  KONNECTOR_KIND,
  type Konnector,
  type KonnectorDefinition,
  type ManifestLike,
  type RunContext,
} from './konnector.ts'
export { type Errors, errors, isVendorDown, KonnectorError } from './konnector-error.ts'
export type { LogLevel } from './log-line.ts'
export type { Log } from './logger.ts'
export type { Progress } from './progress.ts'
export type { Save } from './save-binding.ts'
export type { Session, SessionSteps } from './session.ts'
export { findKonnector, run, startIfMain } from './start.ts'
export type { TwoFactor, TwoFactorQuestion, TwoFactorType } from './two-factor.ts'
