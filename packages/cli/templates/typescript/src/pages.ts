// What the pages of the vendor say. No network here: easy to try on a saved page.
import { load } from 'cheerio/slim'

export interface Invoice {
  vendorRef: string
  title: string
  date: Date
  /** Euros, never negative. */
  amount: number
  isRefund: boolean
  /** Of the PDF, on the vendor's site. */
  path: string
}

export interface LoginPage {
  csrf: string | undefined
  /** The vendor's words when it refuses the password. */
  error: string | undefined
  isLocked: boolean
  asksForCode: boolean
  isInside: boolean
}

export function readLogin(html: string): LoginPage {
  const $ = load(html)
  return {
    csrf: $('input[name=_csrf]').attr('value'),
    error: $('#login-error').text().trim() || undefined,
    isLocked: $('.too-many-attempts').length > 0,
    asksForCode: $('#twofa-form').length > 0,
    isInside: $('a.logout').length > 0
  }
}

/** One page of the list, and the path of the next one. */
export function readInvoices(html: string): { invoices: Invoice[]; next: string | undefined } {
  const $ = load(html)
  const invoices = $('#invoices tbody tr.invoice')
    .toArray()
    .map(row => {
      const text = (name: string) => $(row).find(`.invoice-${name}`).text().trim()
      const amount = readAmount(text('amount'))
      return {
        vendorRef: text('ref'),
        title: text('label'),
        date: readDate(text('date')),
        amount: Math.abs(amount),
        isRefund: amount < 0,
        path: $(row).find('a.download').attr('href') ?? ''
      }
    })
  // Neither a table nor the sentence for new customers: the site has changed. "Nothing new" would be a lie.
  if (invoices.length === 0 && $('.no-invoices').length === 0) {
    throw new Error('UNKNOWN_ERROR: the page of invoices has changed')
  }
  return { invoices, next: $('nav.pagination a.next').attr('href') }
}

/** `03/11/2026`, as midnight UTC. */
function readDate(text: string): Date {
  const [, day, month, year] = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(text) ?? []
  if (!year) throw new Error(`UNKNOWN_ERROR: "${text}" is not a date as this site writes them`)
  return new Date(`${year}-${month}-${day}T00:00:00Z`)
}

/** `-1 084,12 €` */
function readAmount(text: string): number {
  const amount = Number(text.replace(/[^\d,-]/g, '').replace(',', '.'))
  if (text === '' || Number.isNaN(amount)) throw new Error(`UNKNOWN_ERROR: "${text}" is not an amount`)
  return amount
}
