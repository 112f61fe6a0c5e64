import type { DemoUser } from './options.ts'
import { drawInteger } from './random.ts'

export const VENDOR_NAME = 'Aquavolt'

export interface Contract {
  id: string
  kind: 'electricity' | 'water' | 'care'
  label: string
}

export interface Invoice {
  /** Unique at the vendor. A credit note's starts with A. */
  ref: string
  contractId: string
  /** yyyy-mm-dd */
  date: string
  /** Negative for a credit note. */
  amountCents: number
  label: string
}

export interface Customer {
  user: DemoUser
  customerNumber: string
  phone: string
  address: { street: string; postcode: string; city: string; country: string }
  contracts: Contract[]
  /** Newest first. */
  invoices: Invoice[]
}

export const DEFAULT_USERS: readonly DemoUser[] = [
  { email: 'ada@example.org', password: 'lovelace-1843', firstName: 'Ada', lastName: 'Lovelace' },
  { email: 'grace@example.org', password: 'hopper-1906', firstName: 'Grace', lastName: 'Hopper', twoFactor: true },
  { email: 'alan@example.org', password: 'turing-1912', firstName: 'Alan', lastName: 'Turing', noInvoices: true },
]

export const LABELS: Record<Contract['kind'], { contract: string; invoice: string }> = {
  electricity: { contract: 'Électricité', invoice: 'Facture d’électricité' },
  water: { contract: 'Eau', invoice: 'Facture d’eau' },
  care: { contract: 'Entretien chaudière', invoice: 'Entretien annuel' },
}
const CREDIT_LABEL = 'Avoir sur consommation estimée'
const STREETS = ['rue des Lilas', 'rue Marie-Curie', 'quai de l’Écluse', 'allée du Château-d’Eau']
const CITIES: [string, string][] = [
  ['29200', 'Brest'],
  ['67000', 'Strasbourg'],
  ['03000', 'Moulins'],
  ['73100', 'Aix-les-Bains'],
]

interface Plan {
  seed: number
  now: Date
  /** Exactly this many invoices instead of the usual 29. */
  invoices?: number
}

/** Everything the vendor knows of a user, computed from the plan alone: same plan, same bytes. */
export function makeCustomer(user: DemoUser, plan: Plan): Customer {
  const pick = (min: number, max: number, what: string) => drawInteger(min, max, plan.seed, user.email, what)
  // Ada's numbers are those of the README, whatever the seed.
  const number = user.email === 'ada@example.org' ? 204881 : pick(200000, 899999, 'number')
  const street = `${pick(1, 99, 'house')} ${STREETS[pick(0, STREETS.length - 1, 'street')]}`
  const [postcode, city] = CITIES[pick(0, CITIES.length - 1, 'city')]!
  const contract = (kind: Contract['kind'], prefix: string, offset: number): Contract => ({
    id: `${prefix}-${number + offset}`,
    kind,
    label: `${LABELS[kind].contract}, ${street}`,
  })
  const electricity = contract('electricity', 'EL', 0)
  const contracts = [electricity, contract('water', 'WA', 1), contract('care', 'CH', 2)]
  const customer: Customer = {
    user,
    customerNumber: `C${number}`,
    phone: `+33 6 ${[1, 2, 3, 4].map(n => String(pick(10, 99, `phone${n}`))).join(' ')}`,
    address: { street, postcode, city, country: 'France' },
    contracts: user.noInvoices || plan.invoices !== undefined ? [electricity] : contracts,
    invoices: [],
  }
  if (!user.noInvoices) {
    customer.invoices =
      plan.invoices === undefined ? usualInvoices(contracts, plan) : manyInvoices(electricity, plan.invoices, plan)
  }
  sortInvoices(customer.invoices)
  return customer
}

export function sortInvoices(invoices: Invoice[]): void {
  invoices.sort((a, b) => (a.date === b.date ? (a.ref < b.ref ? 1 : -1) : a.date < b.date ? 1 : -1))
}

/** Reference of an invoice: letter, period, number of the contract. `F202611-204881` */
function reference(letter: 'F' | 'A', period: string, contract: Contract): string {
  return `${letter}${period}-${contract.id.slice(3)}`
}

/** 18 months of electricity, 8 quarters of water, 2 years of care (over a thousand euros each), 1 credit note: 29. */
function usualInvoices(contracts: Contract[], plan: Plan): Invoice[] {
  const [electricity, water, care] = contracts as [Contract, Contract, Contract]
  const amount = (min: number, max: number, ref: string) => drawInteger(min, max, plan.seed, ref, 'amount')
  const invoice = (contract: Contract, month: Month, day: number, min: number, max: number): Invoice => {
    const ref = reference('F', month.period, contract)
    const label = LABELS[contract.kind].invoice
    return { ref, contractId: contract.id, date: month.on(day), amountCents: amount(min, max, ref), label }
  }
  const power = take(18, plan.now, () => true).map(month => invoice(electricity, month, 3, 4200, 16900))
  const drops = take(8, plan.now, month => month.number % 3 === 1).map(month => invoice(water, month, 2, 3100, 9800))
  const visits = take(2, plan.now, month => month.number === 4).map(month => invoice(care, month, 1, 100500, 138900))
  const credited = take(1, plan.now, month => month.number === 7)[0]!
  const creditRef = reference('A', credited.period, electricity)
  const credit: Invoice = {
    ref: creditRef,
    contractId: electricity.id,
    date: credited.on(3),
    amountCents: -amount(1500, 4900, creditRef),
    label: CREDIT_LABEL,
  }
  return [...power, ...drops, ...visits, credit]
}

function manyInvoices(contract: Contract, count: number, plan: Plan): Invoice[] {
  // About five years when that gives a day to each, else one a day further back.
  const stepDays = Math.max(1, Math.min(30, Math.floor(1800 / Math.max(1, count))))
  const today = Date.UTC(plan.now.getUTCFullYear(), plan.now.getUTCMonth(), plan.now.getUTCDate())
  return Array.from({ length: count }, (_, index) => {
    const date = new Date(today - index * stepDays * 86_400_000).toISOString().slice(0, 10)
    const ref = reference('F', date.replaceAll('-', ''), contract)
    const amountCents = drawInteger(4200, 16900, plan.seed, ref, 'amount')
    return { ref, contractId: contract.id, date, amountCents, label: LABELS.electricity.invoice }
  })
}

interface Month {
  /** 1 to 12 */
  number: number
  /** yyyymm */
  period: string
  on(day: number): string
}

/** Months whose invoices are out, newest first: the current one counts from its third day on. */
function* issuedMonths(now: Date): Generator<Month> {
  const first = now.getUTCDate() >= 3 ? 0 : 1
  for (let back = first; ; back++) {
    const start = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1))
    const text = start.toISOString()
    yield {
      number: start.getUTCMonth() + 1,
      period: text.slice(0, 4) + text.slice(5, 7),
      on: day => `${text.slice(0, 8)}${String(day).padStart(2, '0')}`,
    }
  }
}

function take(count: number, now: Date, wanted: (month: Month) => boolean): Month[] {
  const found: Month[] = []
  for (const month of issuedMonths(now)) {
    if (wanted(month)) found.push(month)
    if (found.length === count) break
  }
  return found
}

/** The name a browser would give the downloaded file. */
export function invoiceFileName(invoice: Invoice): string {
  const kind = invoice.amountCents < 0 ? 'avoir' : 'facture'
  return `${VENDOR_NAME}_${kind}_${invoice.date}_${invoice.ref}.pdf`
}
