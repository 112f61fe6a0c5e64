import { type Customer, type Invoice, VENDOR_NAME } from './data.ts'
import { formatAmount, formatDate } from './format.ts'
import { type PdfLine, writePdf } from './pdf.ts'

/** The document of one invoice or credit note: one page, French, about 2 KB, the same bytes each time. */
export function invoicePdf(customer: Customer, invoice: Invoice): Buffer {
  const { user, address } = customer
  const contract = customer.contracts.find(({ id }) => id === invoice.contractId)
  const net = Math.round(invoice.amountCents / 1.2)
  const kind = invoice.amountCents < 0 ? 'Avoir' : 'Facture'
  const lines: PdfLine[] = [
    { x: 60, y: 780, text: VENDOR_NAME, size: 22, bold: true },
    { x: 60, y: 760, text: 'Eau, électricité, entretien – 1 place de la Fontaine, 75000 Paris', size: 9 },
    { x: 340, y: 700, text: `${user.firstName} ${user.lastName}` },
    { x: 340, y: 685, text: address.street },
    { x: 340, y: 670, text: `${address.postcode} ${address.city}` },
    { x: 60, y: 620, text: `${kind} ${invoice.ref}`, size: 16, bold: true },
    { x: 60, y: 596, text: `Date : ${formatDate(invoice.date, 'fr')}` },
    { x: 60, y: 580, text: `Client : ${customer.customerNumber}` },
    { x: 60, y: 564, text: `Contrat : ${invoice.contractId}${contract ? ` (${contract.label})` : ''}` },
    { x: 60, y: 520, text: invoice.label },
    { x: 60, y: 500, text: `Total HT : ${formatAmount(net, 'fr')}` },
    { x: 60, y: 484, text: `TVA (20 %) : ${formatAmount(invoice.amountCents - net, 'fr')}` },
    { x: 60, y: 460, text: `Total TTC : ${formatAmount(invoice.amountCents, 'fr')}`, size: 13, bold: true },
    { x: 60, y: 60, text: 'Document de démonstration : ce fournisseur n’existe pas.', size: 8 },
  ]
  return writePdf([lines], { title: `${VENDOR_NAME} ${invoice.ref}`, created: new Date(`${invoice.date}T08:00:00Z`) })
}
