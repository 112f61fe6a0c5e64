import { type Answer, html, pdf } from '../answer.ts'
import { type Customer, invoiceFileName } from '../data.ts'
import { invoicePdf } from '../invoice-pdf.ts'
import { invoicesPage } from '../pages/invoices.ts'
import { notFoundPage } from '../pages/trouble.ts'
import type { Routes } from '../router.ts'
import type { Visit } from '../visit.ts'
import { download, page } from './guard.ts'

const PAGE_SIZE = 10

export const invoiceRoutes: Routes = {
  'GET /invoices': page((visit, { customer }) => {
    const contract = visit.query.get('contract')
    const all = customer.invoices.filter(invoice => contract === null || invoice.contractId === contract)
    const pages = Math.max(1, Math.ceil(all.length / PAGE_SIZE))
    const wanted = Number(visit.query.get('page') ?? 1)
    const number = Number.isInteger(wanted) ? Math.min(Math.max(wanted, 1), pages) : 1
    const invoices = all.slice((number - 1) * PAGE_SIZE, number * PAGE_SIZE)
    return html(
      invoicesPage(visit, customer, { invoices, page: number, pages, ...(contract === null ? {} : { contract }) }),
    )
  }),
  'GET /invoices/:ref/pdf': download((visit, { customer }) => invoiceDocument(visit, customer, visit.params.ref)),
  'POST /invoices/download': download((visit, { customer }) => invoiceDocument(visit, customer, visit.form.get('ref'))),
}

function invoiceDocument(visit: Visit, customer: Customer, ref: string | null | undefined): Answer {
  const invoice = customer.invoices.find(candidate => candidate.ref === ref)
  return invoice ? pdf(invoicePdf(customer, invoice), invoiceFileName(invoice)) : html(notFoundPage(visit), 404)
}
