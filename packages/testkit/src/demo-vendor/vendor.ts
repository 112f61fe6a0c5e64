import type { AddressInfo } from 'node:net'
import { type Invoice, LABELS, sortInvoices } from './data.ts'
import { SCOPES } from './oauth.ts'
import type { DemoVendor, DemoVendorOptions } from './options.ts'
import { countRequests, type RequestRecord } from './request-log.ts'
import { createRouter } from './router.ts'
import { accountRoutes } from './routes/account.ts'
import { apiRoutes } from './routes/api.ts'
import { invoiceRoutes } from './routes/invoices.ts'
import { loginRoutes } from './routes/login.ts'
import { oauthRoutes } from './routes/oauth.ts'
import { toolRoutes } from './routes/tools.ts'
import { createVendorServer } from './server.ts'
import { createState } from './state.ts'

/**
 * Starts the demo vendor (README.md beside this file) and resolves once it listens.
 * Rejects when the port is taken; throws a TypeError on an unknown mode.
 */
export async function startDemoVendor(options: DemoVendorOptions = {}): Promise<DemoVendor> {
  const state = createState(options)
  const records: RequestRecord[] = []
  const ending = new AbortController()
  const route = createRouter(accountRoutes, loginRoutes, invoiceRoutes, oauthRoutes, apiRoutes, toolRoutes)
  const server = createVendorServer(state, route, records, ending.signal)
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  const users = [...state.customers.values()].map(customer => customer.user)

  const customerOf = (email: string) => {
    const customer = state.customers.get(email)
    if (!customer)
      throw new Error(`The demo vendor has no customer ${email}; it has ${[...state.customers.keys()].join(', ')}`)
    return customer
  }
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= new Promise<void>((resolve, reject) => {
      ending.abort()
      server.close(error => (error ? reject(error) : resolve()))
      // Hanging and idle keep-alive connections would hold close() for ever.
      server.closeAllConnections()
    })
    return closing
  }

  return {
    url: `http://${host}:${port}`,
    port,
    users,
    requests: records,
    count: (method, path) => countRequests(records, method, path),
    clearRequests: () => {
      records.length = 0
    },
    setMode(mode) {
      state.modes.set(mode)
      state.acceptedTerms.clear()
    },
    addInvoice(invoice = {}, email = users[0]?.email ?? '') {
      const customer = customerOf(email)
      const contract = customer.contracts.find(({ id }) => id === invoice.contractId) ?? customer.contracts[0]!
      const date = invoice.date ?? state.clock().toISOString().slice(0, 10)
      const added: Invoice = {
        ref: `F${date.replaceAll('-', '')}-X${customer.invoices.length + 1}`,
        contractId: contract.id,
        amountCents: 4200,
        label: LABELS[contract.kind].invoice,
        ...invoice,
        date,
      }
      if (customer.invoices.some(({ ref }) => ref === added.ref)) throw new Error(`Invoice ${added.ref} exists already`)
      customer.invoices.push(added)
      sortInvoices(customer.invoices)
      return added
    },
    invoicesOf: email => customerOf(email).invoices,
    lastCode: email => state.phone.lastCode(email),
    unlock: email => state.lockout.forget(email),
    endSessions: () => state.sessions.endAll(),
    issueTokens: (email, { expiresIn, scope = SCOPES.join(' ') } = {}) =>
      state.oauth.issue(customerOf(email).user.email, scope, expiresIn),
    revokeTokens: email => state.oauth.revokeAll(customerOf(email).user.email),
    close,
    [Symbol.asyncDispose]: close,
  }
}
