export { createRunner } from './create-runner.ts'
export { ALLOWED_NAMES } from './environment.ts'
export { RunnerError, type RunnerErrorCode } from './errors.ts'
export type { GateLimits } from './gate/gate.ts'
export { isDeclared, readDeclared } from './gate/host-name.ts'
export type { Traffic } from './gate/join.ts'
export type { PinnedHost, StackOrigin } from './gate/policy.ts'
export { type Refusal, type RefusalReason, refusalLine, refusalSentences } from './gate/refusals.ts'
export type { JailUser } from './jail/user.ts'
export { type KonnectorMessage, readMessage } from './output/message.ts'
export {
  DEFAULT_LIMITS,
  type DriverName,
  type OutputLine,
  type RunCause,
  type RunEnd,
  type RunLimits,
  type Runner,
  type RunnerLog,
  type RunnerOptions,
  type RunRequest,
  type RunResult,
  type SelfTestCheck,
  type SelfTestReport,
} from './types.ts'
