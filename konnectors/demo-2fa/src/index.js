const { CookieKonnector, scrape, log, errors } = require('cozy-konnector-libs')

const VENDOR = 'Aquavolt'
const DEFAULT_URL = 'http://demo-vendor.test'
const MAX_CODES = 3

class AquavoltKonnector extends CookieKonnector {
  async fetch(fields, parameters) {
    this.baseUrl = parameters?.baseUrl || DEFAULT_URL
    if (await this.testSession()) {
      log('info', 'The saved session still works')
    } else {
      await this.authenticate(fields)
    }

    const bills = await this.fetchBills()
    log('info', `Found ${bills.length} invoices`)
    if (bills.length === 0) return

    await this.saveBills(bills, fields, {
      fileIdAttributes: ['vendorRef'],
      keys: ['vendorRef'],
      validateFileContent: true,
      linkBankOperations: false,
    })
  }

  // Logged out, the account page leads to the login
  async testSession() {
    try {
      const response = await this.request({
        url: `${this.baseUrl}/account`,
        resolveWithFullResponse: true,
      })
      return response.request.uri.pathname === '/account'
    } catch (err) {
      throw vendorDown(err)
    }
  }

  async authenticate(fields) {
    await this.deactivateAutoSuccessfulLogin()
    const $ = await this.signin({
      url: `${this.baseUrl}/login`,
      formSelector: '#login-form',
      formData: { username: fields.login, password: fields.password, remember: '1' },
      notifySuccessfulLogin: false,
      validate: (_statusCode, $) => {
        if ($('.too-many-attempts').length > 0) {
          throw new Error(errors.LOGIN_FAILED_TOO_MANY_ATTEMPTS)
        }
        return $('#login-error').length === 0
      },
    })
    const home = $('#twofa-form').length > 0 ? await this.giveCode($) : $
    if (home('a.logout').length !== 1) {
      log('error', 'The page after the login is not one we know')
      throw new Error(errors.UNKNOWN_ERROR)
    }
    await this.notifySuccessfulLogin()
    await this.saveSession()
  }

  // Trusting the device saves the owner the code of the next time
  async giveCode($) {
    for (let attempt = 1; attempt <= MAX_CODES; attempt++) {
      const code = await this.waitForTwoFaCode({
        type: 'sms',
        retry: attempt > 1,
        heartBeat: 1000,
      })
      $ = await this.request.post(`${this.baseUrl}/login/2fa`, {
        form: { _csrf: $('#twofa-form input[name=_csrf]').val(), code, trust: '1' },
      })
      if ($('#twofa-form').length === 0) break
      log('warn', $('#twofa-error').text())
    }
    if ($('#login-form, #twofa-form').length > 0) {
      throw new Error(errors.USER_ACTION_NEEDED_WRONG_TWOFA_CODE)
    }
    return $
  }

  async fetchBills() {
    const bills = []
    let url = `${this.baseUrl}/invoices?lang=en`
    while (url) {
      const $ = await this.request(url).catch(err => {
        throw vendorDown(err)
      })
      const page = this.parseBills($)
      if (page.length === 0 && $('.no-invoices').length === 0) {
        log('error', `The page of invoices has changed: ${url}`)
        throw new Error(errors.UNKNOWN_ERROR)
      }
      bills.push(...page)
      const next = $('nav.pagination a.next').attr('href')
      url = next && `${this.baseUrl}${next}&lang=en`
    }
    return bills
  }

  parseBills($) {
    const rows = scrape(
      $,
      {
        date: { sel: 'td.invoice-date', parse: text => new Date(`${text} UTC`) },
        vendorRef: 'td.invoice-ref',
        amount: {
          sel: 'td.invoice-amount',
          parse: text => Number(text.replace(/[€,]/g, '')),
        },
        fileurl: {
          sel: 'a.download',
          attr: 'href',
          parse: href => `${this.baseUrl}${href}`,
        },
      },
      '#invoices tr.invoice',
    )
    return rows.map(row => ({
      ...row,
      amount: Math.abs(row.amount),
      isRefund: row.amount < 0,
      currency: 'EUR',
      vendor: VENDOR,
      filename: `${row.date.toISOString().slice(0, 10)}_${VENDOR}_${row.vendorRef}.pdf`,
    }))
  }
}

function vendorDown(err) {
  if (err.name === 'RequestError' || err.statusCode >= 500) {
    log('error', err.message.slice(0, 80))
    return new Error(errors.VENDOR_DOWN)
  }
  return err
}

const connector = new AquavoltKonnector({
  // debug: true,
  cheerio: true,
  json: false,
})

connector.run()
