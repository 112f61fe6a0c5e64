const {
  BaseKonnector,
  requestFactory,
  signin,
  scrape,
  saveBills,
  log,
  errors,
  cozyClient,
} = require('cozy-konnector-libs')

const models = cozyClient.new.models
const { Qualification } = models.document

const request = requestFactory({
  // debug: true,
  cheerio: true,
  json: false,
  jar: true,
})

const VENDOR = 'Aquavolt'
const DEFAULT_URL = 'http://demo-vendor.test'

module.exports = new BaseKonnector(start)

async function start(fields, cozyParameters) {
  const baseUrl = cozyParameters?.baseUrl || DEFAULT_URL

  log('info', 'Authenticating ...')
  await this.deactivateAutoSuccessfulLogin()
  await authenticate.bind(this)(baseUrl, fields.login, fields.password)
  await this.notifySuccessfulLogin()
  log('info', 'Successfully logged in')

  log('info', 'Fetching the list of invoices')
  const bills = await fetchBills(baseUrl)
  log('info', `Found ${bills.length} invoices`)
  if (bills.length === 0) {
    return
  }

  log('info', 'Saving data to Cozy')
  await saveBills(bills, fields, {
    identifiers: ['aquavolt'],
    sourceAccount: this.accountId,
    sourceAccountIdentifier: fields.login,
    fileIdAttributes: ['vendorRef'],
    keys: ['vendorRef'],
    validateFileContent: true,
  })
}

// The form answers 200 whatever happens: only the page tells
async function authenticate(baseUrl, username, password) {
  await signin({
    url: `${baseUrl}/login`,
    formSelector: '#login-form',
    formData: { username, password, lang: 'fr' },
    validate: (_statusCode, $, fullResponse) => {
      if ($('a.logout').length === 1) {
        if ($('h1.new-terms').length > 0) {
          throw new Error(errors.USER_ACTION_NEEDED_CGU_FORM)
        }
        return true
      }
      if ($('.too-many-attempts').length > 0) {
        throw new Error(errors.LOGIN_FAILED_TOO_MANY_ATTEMPTS)
      }
      if ($('#twofa-form').length > 0) {
        log('warn', 'This account asks for a code: see the konnector demo-2fa')
        throw new Error(errors.CHALLENGE_ASKED)
      }
      if ($('#login-error').length > 0) {
        log('warn', $('#login-error').text())
        return false
      }
      log('error', `Unknown page after login: ${fullResponse.request.uri.href}`)
      throw new Error(errors.UNKNOWN_ERROR)
    },
  })
}

async function fetchBills(baseUrl) {
  const bills = []
  let url = `${baseUrl}/invoices`
  while (url) {
    const $ = await fetchPage(url)
    const page = parseBills($, baseUrl)
    // No table and no word about it: the site is not what we know. Saying "nothing new" would be a lie.
    if (page.length === 0 && $('.no-invoices').length === 0) {
      log('error', `The page of invoices has changed: ${url}`)
      throw new Error(errors.UNKNOWN_ERROR)
    }
    bills.push(...page)
    const next = $('nav.pagination a.next').attr('href')
    url = next && `${baseUrl}${next}`
  }
  return bills
}

async function fetchPage(url) {
  try {
    return await request(url)
  } catch (err) {
    if (err.name === 'RequestError' || err.statusCode >= 500) {
      log('error', `${url}: ${err.message.slice(0, 80)}`)
      throw new Error(errors.VENDOR_DOWN)
    }
    throw err
  }
}

function parseBills($, baseUrl) {
  const rows = scrape(
    $,
    {
      date: { sel: 'td.invoice-date', parse: parseDate },
      vendorRef: 'td.invoice-ref',
      contractLabel: 'td.invoice-contract',
      contractId: { sel: 'td.invoice-contract', attr: 'data-contract' },
      title: 'td.invoice-label',
      amount: { sel: 'td.invoice-amount', parse: parseAmount },
      fileurl: { sel: 'a.download', attr: 'href', parse: href => `${baseUrl}${href}` },
    },
    'table#invoices tbody tr.invoice',
  )
  return rows.map(row => {
    const isRefund = row.amount < 0
    const amount = Math.abs(row.amount)
    return {
      ...row,
      amount,
      isRefund,
      currency: 'EUR',
      vendor: VENDOR,
      filename: `${formatDate(row.date)}_${VENDOR}_${amount.toFixed(2)}EUR_${row.vendorRef}.pdf`,
      fileAttributes: {
        metadata: {
          contentAuthor: 'aquavolt',
          issueDate: row.date,
          datetime: row.date,
          datetimeLabel: 'issueDate',
          isSubscription: true,
          carbonCopy: true,
          qualification: Qualification.getByLabel(row.contractId.startsWith('WA') ? 'water_invoice' : 'energy_invoice'),
        },
      },
    }
  })
}

// 03/11/2026
function parseDate(text) {
  const [day, month, year] = text.split('/').map(Number)
  return new Date(Date.UTC(year, month - 1, day))
}

function formatDate(date) {
  return date.toISOString().slice(0, 10)
}

// 1 084,12 €
function parseAmount(text) {
  return parseFloat(text.replace(/[\s€]/g, '').replace(',', '.'))
}
