import { load } from 'cheerio'

export interface Invoice {
  vendorRef: string
  date: Date
  /** Euros, never negative. */
  amount: number
  isRefund: boolean
  title: string
  contractId: string
  contractLabel: string
  /** Of the PDF, on the vendor's site. */
  path: string
}

export interface LoginState {
  csrf: string | undefined
  /** The vendor's words when it refuses the password. */
  error: string | undefined
  isLocked: boolean
  asksForCode: boolean
  asksForTerms: boolean
  isInside: boolean
}

/** What a page tells about the login: the form itself, a refusal, or the inside of the site. */
export function readLogin(html: string): LoginState {
  const $ = load(html)
  return {
    csrf: $('#login-form input[name=_csrf]').attr('value'),
    error: $('#login-error').text().trim() || undefined,
    isLocked: $('.too-many-attempts').length > 0,
    asksForCode: $('#twofa-form').length > 0,
    asksForTerms: $('#terms-form').length > 0,
    isInside: $('a.logout').length > 0,
  }
}

/** The customer's details as a contact. */
export function readProfile(html: string) {
  const $ = load(html)
  const value = (name: string) => $(`dl.profile dd.profile-${name}`).text().trim()
  if (!value('email')) throw new Error('UNKNOWN_ERROR: the page with the details has changed')
  const [street, postcode, city, country] = ['street', 'postcode', 'city', 'country'].map(value)
  return {
    name: { givenName: value('firstname'), familyName: value('lastname') },
    email: [{ address: value('email') }],
    phone: [{ number: value('phone') }],
    address: [{ street, postcode, city, country, formattedAddress: `${street}, ${postcode} ${city}, ${country}` }],
  }
}

/**
 * One page of the list, and the path of the next one.
 * @throws when there is neither a table nor the sentence for new customers: then the site has changed, and "no invoice" would be a lie
 */
export function readInvoices(html: string): { invoices: Invoice[]; next: string | undefined } {
  const $ = load(html)
  const invoices = $('#invoices tbody tr.invoice')
    .toArray()
    .map(row => {
      const text = (name: string) => $(row).find(`.invoice-${name}`).text().trim()
      const amount = readAmount(text('amount'))
      return {
        vendorRef: text('ref'),
        date: readDate(text('date')),
        amount: Math.abs(amount),
        isRefund: amount < 0,
        title: text('label'),
        contractId: $(row).find('.invoice-contract').attr('data-contract') ?? '',
        contractLabel: text('contract'),
        path: $(row).find('a.download').attr('href') ?? '',
      }
    })
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
  const amount = Number(text.replace(/[\s€]/g, '').replace(',', '.'))
  if (text === '' || Number.isNaN(amount))
    throw new Error(`UNKNOWN_ERROR: "${text}" is not an amount as this site writes them`)
  return amount
}
