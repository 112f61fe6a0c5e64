import type { BillEntry } from './bill.ts'
import type { SaveContext } from './context.ts'

/** Attributes that tell one bill from another when the konnector names none. */
export const BILL_KEYS = ['date', 'amount', 'vendor']

export interface ContractOptions {
  contractId?: string | undefined
  contractLabel?: string | undefined
  keys?: readonly string[] | undefined
  subPath?: string | undefined
}

/**
 * Several contracts in one account (`sdk/exports.md` section 9.2): each gets a sub folder named after its label, and the
 * contract becomes part of a bill's identity. Either all entries belong to `options.contractId`, or each one says its own.
 * @param entries mutated
 * @returns the entries, and options with `keys` and, for one contract, `subPath` and `contractLabel`
 */
export function applyContracts<O extends ContractOptions>(
  context: Pick<SaveContext, 'log'>,
  entries: BillEntry[],
  options: O,
): { entries: BillEntry[]; options: O & ContractOptions & { keys: string[] } } {
  const { contractId, contractLabel } = options
  const keys = [...(options.keys ?? BILL_KEYS)]
  if (contractLabel && !contractId) context.log('warn', 'contractLabel is ignored: it needs a contractId')
  if (contractId) {
    const label = contractLabel || contractId
    for (const entry of entries) Object.assign(entry, { contractId, contractLabel: label })
    return { entries, options: { ...options, contractLabel: label, subPath: label, keys: withContractId(keys) } }
  }
  const ofContracts = entries.filter(entry => entry.contractId)
  for (const entry of ofContracts) {
    entry.contractLabel ||= entry.contractId as string
    entry.subPath = entry.contractLabel
  }
  return { entries, options: { ...options, keys: ofContracts.length > 0 ? withContractId(keys) : keys } }
}

function withContractId(keys: string[]): string[] {
  return keys.includes('contractId') ? keys : [...keys, 'contractId']
}
