import { type Answer, json, pdf } from '../answer.ts'
import { type Customer, type Invoice, invoiceFileName } from '../data.ts'
import { invoicePdf } from '../invoice-pdf.ts'
import type { Handler, Routes } from '../router.ts'
import type { Visit } from '../visit.ts'

const MAX_LIMIT = 50

/** An API route for the bearer of a token with this scope (RFC 6750 errors), within the rate limit. */
function bearer(scope: string, handler: (visit: Visit, customer: Customer) => Answer): Handler {
  return visit => {
    const token = /^Bearer (.+)$/i.exec(visit.headers.authorization ?? '')?.[1]
    if (token === undefined) return refuse(401, 'invalid_request', 'No bearer token')
    const grant = visit.state.oauth.check(token)
    const customer = grant && visit.state.customers.get(grant.email)
    if (!grant || !customer) return refuse(401, 'invalid_token', 'The access token expired or was revoked')
    if (!grant.scope.split(' ').includes(scope)) return refuse(403, 'insufficient_scope', `Needs scope ${scope}`)
    const seconds = visit.state.rateLimit(token)
    if (seconds > 0) return json({ error: 'rate_limited' }, 429, { 'retry-after': String(seconds) })
    return handler(visit, customer)
  }
}

function refuse(status: number, error: string, description: string): Answer {
  const challenge = `Bearer realm="aquavolt", error="${error}", error_description="${description}"`
  return json({ error, error_description: description }, status, { 'www-authenticate': challenge })
}

function describe(visit: Visit, customer: Customer, invoice: Invoice) {
  return {
    id: invoice.ref,
    type: invoice.amountCents < 0 ? 'credit_note' : 'invoice',
    contract_id: invoice.contractId,
    contract_label: customer.contracts.find(({ id }) => id === invoice.contractId)?.label ?? null,
    label: invoice.label,
    issued_on: invoice.date,
    amount_cents: invoice.amountCents,
    currency: 'EUR',
    file_name: invoiceFileName(invoice),
    pdf_url: `${visit.origin}/api/v1/invoices/${invoice.ref}/pdf`,
  }
}

/**
 * One page of invoices. The cursor names the last one seen, so an invoice that appears meanwhile neither doubles nor hides one.
 */
function listInvoices(visit: Visit, customer: Customer): Answer {
  const { query } = visit
  const limit = Math.min(Math.max(Math.trunc(Number(query.get('limit') ?? 10)) || 10, 1), MAX_LIMIT)
  const contract = query.get('contract')
  const cursor = query.get('cursor')
  const all = customer.invoices.filter(invoice => contract === null || invoice.contractId === contract)
  const last = cursor === null ? -1 : all.findIndex(({ ref }) => ref === Buffer.from(cursor, 'base64url').toString())
  if (cursor !== null && last < 0) return json({ error: 'invalid_cursor' }, 400)
  const data = all.slice(last + 1, last + 1 + limit)
  const more = last + 1 + limit < all.length
  const next = more ? Buffer.from(data[data.length - 1]!.ref).toString('base64url') : null
  return json({ data: data.map(invoice => describe(visit, customer, invoice)), next_cursor: next })
}

export const apiRoutes: Routes = {
  'GET /api/v1/me': bearer('profile', (_visit, { user, customerNumber, phone, address }) =>
    json({
      id: customerNumber,
      email: user.email,
      first_name: user.firstName,
      last_name: user.lastName,
      phone,
      address,
    }),
  ),
  'GET /api/v1/contracts': bearer('invoices', (_visit, { contracts }) => json({ data: contracts })),
  'GET /api/v1/invoices': bearer('invoices', listInvoices),
  'GET /api/v1/invoices/:ref/pdf': bearer('invoices', (visit, customer) => {
    const invoice = customer.invoices.find(({ ref }) => ref === visit.params.ref)
    return invoice ? pdf(invoicePdf(customer, invoice), invoiceFileName(invoice)) : json({ error: 'not_found' }, 404)
  }),
}
