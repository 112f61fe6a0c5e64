import { defineKonnector, errors, type Http } from '@konnectory/sdk'
import { type Invoice, readInvoices, readLogin, readProfile } from './pages.ts'

const VENDOR = 'Aquavolt'
const DEFAULT_URL = 'http://demo-vendor.test'

export default defineKonnector({
  fields: {
    login: { type: 'email', role: 'identifier' },
    password: { type: 'password' },
  },

  async run({ fields, http: client, session, save, progress, log, parameters }) {
    const baseUrl = String(parameters?.baseUrl ?? DEFAULT_URL)
    const http = client.extend({ baseUrl, retries: 1 })

    progress.stage('login')
    await session.restoreOrLogin({
      test: async () => new URL((await http.get('/account')).url).pathname === '/account',
      login: () => logIn(http, fields.login, fields.password),
    })

    progress.stage('identity')
    await save.identity({ contact: readProfile(await http.get('/account/profile').text()) })

    progress.stage('invoices')
    const invoices = await fetchInvoices(http)
    log.info(`found ${invoices.length} invoices`)

    progress.stage('bills')
    const { bills } = await save.bills(
      invoices.map(({ path, ...invoice }) => ({
        ...invoice,
        vendor: VENDOR,
        currency: 'EUR',
        fileurl: new URL(path, baseUrl).href,
        filename: `${invoice.date.toISOString().slice(0, 10)} ${VENDOR} ${invoice.vendorRef}.pdf`,
      })),
      { fileIdAttributes: ['vendorRef'], keys: ['vendorRef'], validateFileContent: true },
    )
    const missing = invoices.length - bills.length
    if (missing > 0) throw errors.partial(`${missing} of ${invoices.length} invoices could not be downloaded`)
  },
})

/** The form answers 200 whatever happens: only the page tells. */
async function logIn(http: Http, username: string, password: string): Promise<void> {
  const form = readLogin(await http.get('/login').text())
  if (!form.csrf) throw new Error('UNKNOWN_ERROR: the login page has changed')
  const answer = await http.post('/login/check', {
    form: { _csrf: form.csrf, next: '/account', username, password, remember: '1' },
  })
  const page = readLogin(await answer.text())
  if (page.isLocked) throw errors.tooManyAttempts()
  if (page.error) throw errors.loginFailed(page.error)
  if (page.asksForCode) throw errors.challengeAsked('see the konnector demo-2fa')
  if (page.asksForTerms) throw errors.userActionNeeded('CGU_FORM')
  if (!page.isInside) throw new Error('UNKNOWN_ERROR: the page after the login is not one we know')
}

async function fetchInvoices(http: Http): Promise<Invoice[]> {
  const invoices: Invoice[] = []
  let path: string | undefined = '/invoices?lang=fr'
  while (path) {
    const page = readInvoices(await http.get(path).text())
    invoices.push(...page.invoices)
    path = page.next
  }
  return invoices
}
