const { BaseKonnector, requestFactory, signin, scrape, log, errors } = require('@konnectory/libs')

const VENDOR = '__NAME__'
const BASE_URL = 'http://demo-vendor.test'

const request = requestFactory({ cheerio: true, json: false, jar: true })

module.exports = new BaseKonnector(start)

async function start(fields) {
  log('info', 'Logging in')
  await authenticate.call(this, fields.login, fields.password)

  log('info', 'Reading the list of invoices')
  const bills = await fetchBills()
  log('info', `Found ${bills.length} invoices`)

  await this.saveBills(bills, fields, {
    // What never changes: by it the next run knows what is there already.
    fileIdAttributes: ['vendorRef'],
    keys: ['vendorRef'],
    contentType: 'application/pdf',
    // true, the default, also looks for the payment at the owner's bank: the manifest must then ask for io.cozy.bank.operations.
    linkBankOperations: false
  })
}

// This site answers 200 to a wrong password too: only the page tells.
function authenticate(username, password) {
  return this.signin({
    url: `${BASE_URL}/login`,
    formSelector: '#login-form',
    formData: { username, password, lang: 'fr' },
    validate: (_statusCode, $) => {
      if ($('.too-many-attempts').length > 0) throw new Error(errors.LOGIN_FAILED_TOO_MANY_ATTEMPTS)
      // false is LOGIN_FAILED, which stops the konnector until its owner acts: only when the vendor says so.
      if ($('#login-error').length > 0) return false
      if ($('#twofa-form').length > 0) throw new Error(errors.CHALLENGE_ASKED)
      if ($('a.logout').length === 0) throw new Error(errors.UNKNOWN_ERROR)
      return true
    }
  })
}

async function fetchBills() {
  const bills = []
  let url = `${BASE_URL}/invoices`
  while (url) {
    const $ = await fetchPage(url)
    const page = readBills($)
    // Neither a table nor the sentence for new customers: the site has changed. "Nothing new" would be a lie.
    if (page.length === 0 && $('.no-invoices').length === 0) throw new Error(errors.UNKNOWN_ERROR)
    bills.push(...page)
    const next = $('nav.pagination a.next').attr('href')
    url = next && new URL(next, BASE_URL).href
  }
  return bills
}

async function fetchPage(url) {
  try {
    return await request(url)
  } catch (error) {
    if (error.statusCode >= 500 || error.name === 'RequestError') {
      log('warn', `${url} does not answer: ${error.message.slice(0, 100)}`)
      throw new Error(errors.VENDOR_DOWN)
    }
    throw error
  }
}

function readBills($) {
  const rows = scrape(
    $,
    {
      vendorRef: '.invoice-ref',
      title: '.invoice-label',
      date: { sel: '.invoice-date', parse: readDate },
      amount: { sel: '.invoice-amount', parse: readAmount },
      fileurl: { sel: 'a.download', attr: 'href', parse: href => new URL(href, BASE_URL).href }
    },
    '#invoices tbody tr.invoice'
  )
  return rows.map(row => ({
    ...row,
    amount: Math.abs(row.amount),
    isRefund: row.amount < 0,
    currency: 'EUR',
    vendor: VENDOR,
    filename: `${row.date.toISOString().slice(0, 10)}_${VENDOR}_${row.vendorRef}.pdf`
  }))
}

// "03/11/2026"
function readDate(text) {
  const [day, month, year] = text.split('/').map(Number)
  return new Date(Date.UTC(year, month - 1, day))
}

// "-1 084,12 €"
function readAmount(text) {
  return Number(text.replace(/[^\d,-]/g, '').replace(',', '.'))
}
