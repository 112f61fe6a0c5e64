import { defineKonnector, HttpError } from '@konnectory/sdk'

interface Invoice {
  id: string
  /** `2026-10-01` */
  date: string
  total: number
}

export default defineKonnector({
  // The form is in manifest.konnector; said here as well, TypeScript knows what `fields` holds.
  fields: {
    email: { type: 'email' },
    password: { type: 'password' },
    archives: { type: 'checkbox', required: false },
  },

  async run({ fields, http, save, session, twoFactor, progress, parameters, errors }) {
    const site = String(parameters?.site ?? 'https://www.energy.example')
    const api = http.extend({ baseUrl: site, retries: 2 })

    progress.stage('login')
    await session.restoreOrLogin({
      test: async () => (await api.get('/api/me')).ok,
      login: async () => {
        const { email, password } = fields
        const answer = await api.post('/login', { form: { email, password } }).catch(refused)
        const { step } = await answer.json<{ step: 'done' | 'code' }>()
        if (step === 'code') {
          const code = await twoFactor.ask({ type: 'sms' })
          await api.post('/login/code', { json: { code } })
        }
      },
    })

    progress.stage('identity')
    const me = await api.get('/api/me').json<{ first: string; last: string; email: string }>()
    await save.identity({ name: { givenName: me.first, familyName: me.last }, email: [{ address: me.email }] })

    progress.stage('bills')
    const query = fields.archives ? { archives: true } : {}
    const invoices = await api.get('/api/invoices', { query }).json<Invoice[]>()
    await save.bills(
      invoices.map(invoice => ({
        vendor: 'Demo Energy',
        date: new Date(invoice.date),
        amount: invoice.total,
        vendorRef: invoice.id,
        fileurl: `${site}/invoices/${invoice.id}.pdf`,
        filename: `${invoice.date}_demo-energy_${invoice.total.toFixed(2)}EUR.pdf`,
      })),
      { fileIdAttributes: ['vendorRef'], contentType: 'application/pdf' },
    )

    function refused(error: unknown): never {
      if (error instanceof HttpError && error.status === 401) throw errors.loginFailed()
      if (error instanceof HttpError && error.status === 429) throw errors.tooManyAttempts()
      throw error
    }
  },

  // The manifest would say: "on_delete_account": "index.js"
  async onDeleteAccount({ log }) {
    log.info('nothing to undo at the vendor')
  },
})
