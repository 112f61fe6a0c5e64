import type { StoredDocument } from '#ground/documents/contract'
import { type Answer, JSON_API_TYPE, jsonText } from '#ground/http/answer'
import type { Tenant } from '#ground/tenant'
import type { TriggerState } from './state.ts'
import { TRIGGER_STATE, TRIGGERS, triggerRecord } from './trigger.ts'

/** A trigger as JSON:API: `_id` and `_rev` stay in the attributes, `meta` is empty (`protocol/jobs.md` §3). */
export function presentTrigger({ url }: Tenant, { id, rev, body }: StoredDocument, state?: TriggerState): object {
  const { type } = body
  return {
    type: TRIGGERS,
    id,
    attributes: { _id: id, _rev: rev, ...body, ...(state && { current_state: state }) },
    meta: {},
    links: {
      self: `/jobs/triggers/${id}`,
      ...(type === '@webhook' && { webhook: `${url}jobs/webhooks/${id}` }),
    },
  }
}

const answer = (document: object, status = 200): Answer => jsonText(JSON.stringify(document), status, JSON_API_TYPE)

export const triggerAnswer = (tenant: Tenant, trigger: StoredDocument, state?: TriggerState, status = 200): Answer =>
  answer({ data: presentTrigger(tenant, trigger, state) }, status)

export const triggersAnswer = (tenant: Tenant, triggers: StoredDocument[], states: Map<string, TriggerState>): Answer =>
  answer({
    data: triggers.map(trigger => presentTrigger(tenant, trigger, states.get(trigger.id))),
    meta: { count: triggers.length },
  })

export const stateAnswer = (trigger: StoredDocument, state: TriggerState): Answer =>
  answer({
    data: {
      type: TRIGGER_STATE,
      id: trigger.id,
      attributes: state,
      meta: {},
      links: { self: `/jobs/triggers/${trigger.id}/state` },
    },
  })

/** What rules on `io.cozy.triggers` can select. */
export const selectable = (trigger: StoredDocument) => ({ worker: triggerRecord(trigger).worker })
