import type { Customer, Invoice } from '../data.ts'
import { escapeHtml, formatAmount, formatDate } from '../format.ts'
import type { Visit } from '../visit.ts'
import { layout } from './layout.ts'

export interface InvoiceList {
  invoices: Invoice[]
  page: number
  pages: number
  /** Only invoices of this contract. */
  contract?: string
}

export function invoicesPage(visit: Visit, customer: Customer, list: InvoiceList): string {
  const title = visit.say('Mes factures', 'My invoices')
  const body =
    list.invoices.length === 0
      ? `<p class="no-invoices">${visit.say('Vous n’avez pas encore de facture.', 'You have no invoice yet.')}</p>`
      : visit.has('changed-layout')
        ? cards(visit, customer, list)
        : table(visit, customer, list)
  return layout(visit, title, `<h1>${title}</h1>\n${body}`, customer.user)
}

function contractLabel(customer: Customer, invoice: Invoice): string {
  return customer.contracts.find(({ id }) => id === invoice.contractId)?.label ?? invoice.contractId
}

function pageLink({ contract }: InvoiceList, page: number): string {
  return `/invoices?page=${page}${contract === undefined ? '' : `&amp;contract=${encodeURIComponent(contract)}`}`
}

function table(visit: Visit, customer: Customer, list: InvoiceList): string {
  const { say, language } = visit
  const rows = list.invoices.map(
    invoice => `    <tr class="invoice${invoice.amountCents < 0 ? ' credit-note' : ''}" data-ref="${invoice.ref}">
      <td class="invoice-date">${formatDate(invoice.date, language)}</td>
      <td class="invoice-ref">${invoice.ref}</td>
      <td class="invoice-contract" data-contract="${invoice.contractId}">${escapeHtml(contractLabel(customer, invoice))}</td>
      <td class="invoice-label">${escapeHtml(invoice.label)}</td>
      <td class="invoice-amount">${formatAmount(invoice.amountCents, language)}</td>
      <td class="invoice-action"><a class="download" href="/invoices/${invoice.ref}/pdf">PDF</a></td>
    </tr>`,
  )
  const previous =
    list.page > 1
      ? `<a class="previous" rel="prev" href="${pageLink(list, list.page - 1)}">${say('Précédent', 'Previous')}</a>`
      : ''
  const next =
    list.page < list.pages
      ? `<a class="next" rel="next" href="${pageLink(list, list.page + 1)}">${say('Suivant', 'Next')}</a>`
      : ''
  return `<table id="invoices" class="invoices">
  <thead><tr><th>Date</th><th>${say('Référence', 'Reference')}</th><th>${say('Contrat', 'Contract')}</th><th>${say('Libellé', 'Label')}</th><th>${say('Montant', 'Amount')}</th><th></th></tr></thead>
  <tbody>
${rows.join('\n')}
  </tbody>
</table>
<nav class="pagination">${previous} <span class="page-count">Page ${list.page} / ${list.pages}</span> ${next}</nav>`
}

/** The same invoices after a redesign: no table, other classes, amounts in cents in an attribute. */
function cards(visit: Visit, customer: Customer, list: InvoiceList): string {
  const items = list.invoices.map(
    invoice => `<div class="bill-card" data-cents="${invoice.amountCents}"><time datetime="${invoice.date}">${invoice.date}</time>
  <h3>${escapeHtml(contractLabel(customer, invoice))}</h3><strong>${formatAmount(invoice.amountCents, visit.language)}</strong>
  <a class="btn" href="/invoices/${invoice.ref}/pdf">${visit.say('Télécharger', 'Download')}</a></div>`,
  )
  const more =
    list.page < list.pages
      ? `<a class="btn btn-more" href="${pageLink(list, list.page + 1)}">${visit.say('Plus', 'More')}</a>`
      : ''
  return `<section class="bill-grid">\n${items.join('\n')}\n</section>\n${more}`
}
