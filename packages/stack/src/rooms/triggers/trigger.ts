import type { StoredDocument } from '#ground/documents/contract'
import { type JobOptions, readMessage } from '#rooms/jobs'

export const TRIGGERS = 'io.cozy.triggers'
export const TRIGGER_STATE = 'io.cozy.triggers.state'

/** `protocol/jobs.md` §4. */
export const TRIGGER_TYPES = [
  '@at',
  '@in',
  '@every',
  '@cron',
  '@hourly',
  '@daily',
  '@weekly',
  '@monthly',
  '@event',
  '@webhook',
  '@client',
] as const
export type TriggerType = (typeof TRIGGER_TYPES)[number]

export const isTriggerType = (type: unknown): type is TriggerType =>
  (TRIGGER_TYPES as readonly unknown[]).includes(type)

/** The content of a trigger's document. */
export interface TriggerRecord {
  domain: string
  type: TriggerType
  worker: string
  arguments: string
  /** A duration; empty: none. */
  debounce: string
  options: JobOptions | null
  message: unknown
  cozyMetadata?: Record<string, unknown>
}

/** A document of a trigger as what it is. */
export const triggerRecord = (document: StoredDocument): TriggerRecord => document.body as unknown as TriggerRecord

/** Of a trigger's message; undefined where it says none. */
export function messageMember(
  record: Pick<TriggerRecord, 'message'>,
  name: 'konnector' | 'account',
): string | undefined {
  const message = readMessage(record.message)
  if (typeof message !== 'object' || message === null) return undefined
  const value = (message as Record<string, unknown>)[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Workers whose triggers are of an account. */
export const ofAccounts = ({ worker }: Pick<TriggerRecord, 'worker'>): boolean =>
  worker === 'konnector' || worker === 'client'
