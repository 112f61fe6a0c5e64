import type { Actor } from '#ground/http/grant'
import { covers } from './covers.ts'
import { assertShareable } from './doctype-access.ts'
import { rulesOf } from './grant.ts'
import { largerSet } from './ownership.ts'
import type { PermissionType } from './record.ts'
import type { Rule } from './rules.ts'

/** Nobody gives what he has not. @throws HttpError 403 */
export function assertCovered(actor: Actor, rule: Rule): void {
  if (!covers(rulesOf(actor.grant), rule)) throw largerSet()
}

/** What may stand in a document of a type: a share opens no doctype that `/data` keeps from being written. @throws HttpError 403 */
export function assertGivable(type: PermissionType, rule: Rule): void {
  if (type.startsWith('share')) assertShareable(rule.type)
}
