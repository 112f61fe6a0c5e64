import { defineKonnector, errors, type Http } from '@konnectory/sdk'
import { type Invoice, readInvoices, readLogin } from './pages.ts'

const VENDOR = '__NAME__'
const BASE_URL = 'http://demo-vendor.test'

export default defineKonnector({
  fields: {
    login: { type: 'email', role: 'identifier' },
    password: { type: 'password' }
  },
  http: { baseUrl: BASE_URL, retries: 1 },

  async run({ fields, http, session, save, log }) {
    await session.restoreOrLogin({
      test: async () => new URL((await http.get('/account')).url).pathname === '/account',
      login: () => logIn(http, fields.login, fields.password)
    })

    const invoices = await fetchInvoices(http)
    log.info(`Found ${invoices.length} invoices`)

    await save.bills(
      invoices.map(({ path, ...invoice }) => ({
        ...invoice,
        vendor: VENDOR,
        currency: 'EUR',
        fileurl: new URL(path, BASE_URL).href,
        filename: `${invoice.date.toISOString().slice(0, 10)}_${VENDOR}_${invoice.vendorRef}.pdf`
      })),
      { fileIdAttributes: ['vendorRef'], keys: ['vendorRef'], contentType: 'application/pdf' }
    )
  }
})

/** This site answers 200 to a wrong password too: only the page tells. */
async function logIn(http: Http, username: string, password: string): Promise<void> {
  const form = readLogin(await http.get('/login').text())
  if (!form.csrf) throw new Error('UNKNOWN_ERROR: the login page has changed')
  const answer = await http.post('/login/check', {
    form: { _csrf: form.csrf, next: '/account', username, password, lang: 'fr' }
  })
  const page = readLogin(await answer.text())
  if (page.isLocked) throw errors.tooManyAttempts()
  // LOGIN_FAILED stops the konnector until its owner acts: only when the vendor says so.
  if (page.error) throw errors.loginFailed(page.error)
  if (page.asksForCode) throw errors.challengeAsked('the vendor asks for a code')
  if (!page.isInside) throw new Error('UNKNOWN_ERROR: the page after the login is not one we know')
}

async function fetchInvoices(http: Http): Promise<Invoice[]> {
  const invoices: Invoice[] = []
  for (let path: string | undefined = '/invoices'; path; ) {
    const page = readInvoices(await http.get(path).text())
    invoices.push(...page.invoices)
    path = page.next
  }
  return invoices
}
