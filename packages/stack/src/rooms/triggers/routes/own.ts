import type { Actor } from '#ground/http/grant'
import { messageMember, type TriggerRecord } from '../trigger.ts'

/**
 * Whether a trigger belongs to the konnector that asks: it may read, change and delete it without any rule (`protocol/jobs.md`
 * §3). A run's token opens its own account only (`design.md` §3.11), so of several accounts of a konnector each has its own.
 */
export function isOwn(
  { kind, subject, slug, accountId }: Actor,
  record: Pick<TriggerRecord, 'worker' | 'message'>,
): boolean {
  if (kind !== 'konnector' || record.worker !== 'konnector') return false
  if (messageMember(record, 'konnector') !== (slug ?? subject)) return false
  const account = messageMember(record, 'account')
  return accountId === undefined || account === undefined || account === accountId
}

/** Whether a message is of the same konnector and account as before. */
export const keepsOwn = (before: Pick<TriggerRecord, 'message'>, message: unknown): boolean =>
  (['konnector', 'account'] as const).every(name => messageMember({ message }, name) === messageMember(before, name))
