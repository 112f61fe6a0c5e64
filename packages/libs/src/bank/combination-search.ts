import type { Bill, Operation } from './bank-types.ts'
import { combineBills } from './bill-groups.ts'
import type { LinkingOptions } from './linking-options.ts'
import { expectedAmount, findOperation, isCandidate } from './operation-search.ts'

/**
 * Steps one search may take. A step is a fraction of a microsecond, so a group that cannot be resolved costs some tens of
 * milliseconds and not, as trying every combination did, two to the power of its size (FIX-19).
 */
export const STEP_LIMIT = 200_000

export interface Combination {
  bills: Bill[]
  operation: Operation
}

export interface SearchResult {
  found?: Combination
  /** The search was given up before its end. */
  gaveUp: boolean
}

/**
 * The smallest set of two bills or more of the group that one debit operation paid together; among sets of one size the
 * first in the order of the bills. Same answer as trying all combinations, as long as the limit is not reached.
 *
 * Branches are cut when no candidate operation has an amount that what is left of the group can still reach.
 */
export function findCombination(
  group: Bill[],
  operations: Operation[],
  options: LinkingOptions,
  stepLimit = STEP_LIMIT,
): SearchResult {
  const [first] = group
  if (!first || group.length < 2) return { gaveUp: false }
  const candidates = operations.filter(operation => isCandidate(first, operation, 'debit', options))
  const targets = candidates.map(operation => -(operation.amount ?? Number.NaN)).filter(target => target > 0)
  if (targets.length === 0) return { gaveUp: false }

  const amounts = group.map(bill => -expectedAmount(bill, 'debit'))
  const reach = reachOf(amounts)
  const tolerance = Math.max(options.minAmountDelta, options.maxAmountDelta) + 1e-6
  const isReachable = (sum: number, next: number, count: number) => {
    const { least, most } = reach(next, count)
    return targets.some(target => target > sum + least - tolerance && target < sum + most + tolerance)
  }

  let steps = 0
  const chosen: Bill[] = []
  /** Takes `count` more bills, from the one at `next` on. */
  function take(next: number, count: number, sum: number): Combination | undefined {
    if (++steps > stepLimit) return undefined
    if (count === 0) {
      const operation = findOperation(combineBills(chosen), candidates, 'debit', options)
      return operation && { bills: [...chosen], operation }
    }
    for (let index = next; index <= group.length - count && steps <= stepLimit; index++) {
      if (!isReachable(sum, index, count)) return undefined
      chosen.push(group[index] as Bill)
      const newSum = sum + (amounts[index] as number)
      const found = isReachable(newSum, index + 1, count - 1) ? take(index + 1, count - 1, newSum) : undefined
      chosen.pop()
      if (found) return found
    }
    return undefined
  }

  for (let count = 2; count <= group.length && steps <= stepLimit; count++) {
    const found = take(0, count, 0)
    if (found) return { found, gaveUp: false }
  }
  return { gaveUp: steps > stepLimit }
}

/** For each place and count: the least and the most that `count` amounts from that place on can add up to. */
function reachOf(amounts: number[]): (next: number, count: number) => { least: number; most: number } {
  const sums = amounts.map((_, next) => {
    const sorted = amounts.slice(next).sort((a, b) => a - b)
    const prefix = [0]
    for (const amount of sorted) prefix.push((prefix.at(-1) as number) + amount)
    return prefix
  })
  return (next, count) => {
    const prefix = sums[next] ?? [0]
    const total = prefix.at(-1) as number
    return { least: prefix[count] ?? total, most: total - (prefix[prefix.length - 1 - count] ?? 0) }
  }
}
