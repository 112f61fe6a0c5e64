import type { StackClient } from '@konnectory/client'
import { type Bill, billReference, OPERATIONS, type Operation } from './bank-types.ts'
import { canBeGrouped, groupBills } from './bill-groups.ts'
import { findCombination } from './combination-search.ts'
import type { LinkingOptions } from './linking-options.ts'
import { findOperation } from './operation-search.ts'

export type LinkLog = (level: 'debug' | 'warn', message: string) => void

/** What was found for one bill. */
export interface BillLinks {
  bill: Bill
  debitOperation?: Operation
  creditOperation?: Operation
}
/** By id of the bill. */
export type LinkResult = Record<string, BillLinks>

/** Notes bills on the bank operations that paid them, and reimbursements on those that were paid back (`sdk/exports.md` section 14). */
export class Linker {
  readonly client: StackClient
  readonly #log: LinkLog
  readonly #changed = new Set<Operation>()

  constructor(client: StackClient, log: LinkLog = () => {}) {
    this.client = client
    this.#log = log
  }

  /** The operations that `commitChanges` will write. */
  get toUpdate(): Operation[] {
    return [...this.#changed]
  }

  /** Finds the operations of all bills and writes what changed, in one request; none when nothing did. */
  async linkBillsToOperations(bills: Bill[], options: LinkingOptions): Promise<LinkResult> {
    const operations = await this.client.data.all<Operation>(OPERATIONS)
    this.removeBillsFromOperations(options.billsToRemove, operations)
    const result: LinkResult = {}
    for (const bill of bills) {
      if (bill.isThirdPartyPayer === true) continue
      if (!bill._id) {
        this.#log('warn', 'a bill without id cannot be linked: save it first')
        continue
      }
      result[bill._id] = this.#linkBill(bill, operations, options)
    }
    this.#linkCombinations(result, operations, options)
    await this.commitChanges()
    return result
  }

  /** Takes these bills out of the operations; each is replaced by its `original`, when it has one that is not there yet. */
  removeBillsFromOperations(bills: Bill[], operations: Operation[]): void {
    const replacements = new Map(
      bills.flatMap(bill => (bill._id ? [[billReference(bill._id), bill.original] as const] : [])),
    )
    for (const operation of operations) {
      const old = operation.bills ?? []
      if (!old.some(reference => replacements.has(reference))) continue
      const kept = old.flatMap(reference => {
        if (!replacements.has(reference)) return [reference]
        const original = replacements.get(reference)
        return original ? [billReference(original)] : []
      })
      this.#update(operation, { bills: [...new Set(kept)] })
    }
  }

  /** Notes the bill on the operation; once. */
  addBillToOperation(bill: Bill, operation: Operation): void {
    if (!bill._id) {
      this.#log('warn', 'bill has no id, impossible to add it to an operation')
      return
    }
    const reference = billReference(bill._id)
    const bills = operation.bills ?? []
    if (!bills.includes(reference)) this.#update(operation, { bills: [...bills, reference] })
  }

  /** Notes on the debit that the bill paid some of it back, by way of `credit`; once. */
  addReimbursementToOperation(bill: Bill, debit: Operation, credit: Operation | undefined): void {
    if (!bill._id) {
      this.#log('warn', 'bill has no id, impossible to add it as a reimbursement')
      return
    }
    const billId = billReference(bill._id)
    const reimbursements = debit.reimbursements ?? []
    if (reimbursements.some(item => item.billId === billId)) return
    const added = { billId, amount: bill.amount ?? 0, operationId: credit?._id }
    this.#update(debit, { reimbursements: [...reimbursements, added] })
  }

  /** Writes the changed operations. @throws StackError */
  async commitChanges(): Promise<void> {
    if (this.#changed.size === 0) return
    const docs = this.toUpdate
    this.#changed.clear()
    const refused = (await this.client.data.bulk(OPERATIONS, docs)).filter(item => item.error)
    if (refused.length > 0) {
      const reasons = [...new Set(refused.map(item => item.error))].join(', ')
      this.#log('warn', `${refused.length} of ${docs.length} bank operations could not be updated (${reasons})`)
    }
  }

  #linkBill(bill: Bill, operations: Operation[], options: LinkingOptions): BillLinks {
    const links: BillLinks = { bill }
    const debit = findOperation(bill, operations, 'debit', options)
    if (debit) {
      links.debitOperation = debit
      this.addBillToOperation(bill, debit)
    }
    const credit = bill.isRefund ? findOperation(bill, operations, 'credit', options) : undefined
    if (credit) {
      links.creditOperation = credit
      this.addBillToOperation(bill, credit)
      if (debit) this.addReimbursementToOperation(bill, debit, credit)
    }
    return links
  }

  /** Bills that were paid together: what is not linked is tried as sums, until no sum fits any more. */
  #linkCombinations(result: LinkResult, operations: Operation[], options: LinkingOptions): void {
    const unlinked = Object.values(result).flatMap(links => (links.debitOperation ? [] : [links.bill]))
    for (const group of groupBills(unlinked.filter(canBeGrouped))) {
      let left = group
      for (;;) {
        const { found, gaveUp } = findCombination(left, operations, options)
        if (gaveUp)
          this.#log('warn', `${left.length} bills of ${left[0]?.vendor} on one date: too many to try every sum`)
        if (!found) break
        for (const bill of found.bills) {
          const links = result[bill._id as string] as BillLinks
          links.debitOperation = found.operation
          this.addBillToOperation(bill, found.operation)
          if (links.creditOperation) this.addReimbursementToOperation(bill, found.operation, links.creditOperation)
        }
        left = left.filter(bill => !found.bills.includes(bill))
      }
    }
  }

  #update(operation: Operation, attributes: Partial<Operation>): void {
    Object.assign(operation, attributes)
    this.#changed.add(operation)
  }
}
