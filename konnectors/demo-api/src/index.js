const { BaseKonnector, requestFactory, saveBills, cozyClient, log, errors } = require('cozy-konnector-libs')

const request = requestFactory({ cheerio: false, json: true })

const VENDOR = 'Aquavolt'
const SLUG = 'demo-api'
const DEFAULT_URL = 'http://demo-vendor.test'
const MAX_TRIES = 4

module.exports = new BaseKonnector(start)

async function start(fields, parameters) {
  if (!fields.access_token) {
    log('warn', 'The account has no access token: it must be connected again')
    throw new Error(errors.USER_ACTION_NEEDED_OAUTH_OUTDATED)
  }
  const api = {
    konnector: this,
    baseUrl: parameters?.baseUrl || DEFAULT_URL,
    secret: parameters?.secret || {},
    accessToken: fields.access_token,
    refreshToken: fields.refresh_token,
    refreshed: false,
  }

  const me = await get(api, '/api/v1/me')
  const invoices = await fetchInvoices(api)
  log('info', `Found ${invoices.length} invoices`)
  if (invoices.length === 0) return

  await saveBills(
    invoices.map(invoice => toBill(api, invoice)),
    fields,
    {
      sourceAccount: this.accountId,
      sourceAccountIdentifier: me.email,
      fileIdAttributes: ['vendorRef'],
      keys: ['vendorRef'],
      validateFileContent: true,
      linkBankOperations: false,
      concurrency: 4,
    },
  )
}

async function fetchInvoices(api) {
  const invoices = []
  let cursor = ''
  while (cursor !== null) {
    const page = await get(api, '/api/v1/invoices', { limit: 20, ...(cursor && { cursor }) })
    invoices.push(...page.data)
    cursor = page.next_cursor
  }
  return invoices
}

function toBill(api, invoice) {
  const date = new Date(`${invoice.issued_on}T00:00:00Z`)
  return {
    vendor: VENDOR,
    vendorRef: invoice.id,
    date,
    amount: Math.abs(invoice.amount_cents) / 100,
    isRefund: invoice.type === 'credit_note',
    currency: invoice.currency,
    title: invoice.label,
    filename: `${invoice.issued_on}_${VENDOR}_${invoice.id}.pdf`,
    fileurl: invoice.pdf_url,
    requestOptions: { headers: { Authorization: `Bearer ${api.accessToken}` } },
  }
}

// One GET of the API: waits when told to, refreshes the token once, says who must act otherwise
async function get(api, path, qs = {}) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request({ uri: api.baseUrl + path, qs, auth: { bearer: api.accessToken } })
    } catch (err) {
      if (err.statusCode === 429 && attempt < MAX_TRIES) {
        const seconds = Number(err.response.headers['retry-after']) || 1
        log('debug', `Too fast for the API, waiting ${seconds} s`)
        await new Promise(resolve => setTimeout(resolve, seconds * 1000))
      } else if (err.statusCode === 401 && !api.refreshed) {
        await refresh(api)
      } else if (err.statusCode === 401) {
        throw new Error(errors.USER_ACTION_NEEDED_OAUTH_OUTDATED)
      } else if (err.statusCode === 403) {
        throw new Error(errors.USER_ACTION_NEEDED_PERMISSIONS_CHANGED)
      } else if (err.name === 'RequestError' || err.statusCode >= 500) {
        log('error', `${path}: ${err.message.slice(0, 80)}`)
        throw new Error(errors.VENDOR_DOWN)
      } else {
        throw err
      }
    }
  }
}

// A server that knows the account type keeps the client's secret and refreshes for us. With client_id and client_secret in
// the parameters (standalone, or a type without secret) we do it, and keep the new tokens: the old ones are used up.
async function refresh(api) {
  api.refreshed = true
  log('info', 'The access token is refused, refreshing it')
  const oauth = api.secret.client_id ? await refreshHere(api) : await refreshByServer(api)
  api.accessToken = oauth.access_token
  api.refreshToken = oauth.refresh_token
}

async function refreshByServer(api) {
  try {
    const account = await cozyClient.fetchJSON('POST', `/accounts/${SLUG}/${api.konnector.accountId}/refresh`)
    return account.attributes.oauth
  } catch (err) {
    log('warn', `The server could not refresh the token: ${err.message}`)
    throw new Error(errors.USER_ACTION_NEEDED_OAUTH_OUTDATED)
  }
}

async function refreshHere(api) {
  if (!api.refreshToken) throw new Error(errors.USER_ACTION_NEEDED_OAUTH_OUTDATED)
  let tokens
  try {
    tokens = await request.post(`${api.baseUrl}/oauth/token`, {
      form: {
        grant_type: 'refresh_token',
        refresh_token: api.refreshToken,
        client_id: api.secret.client_id,
        client_secret: api.secret.client_secret,
      },
    })
  } catch (err) {
    if (err.statusCode === 400 || err.statusCode === 401) {
      log('warn', `The vendor refuses to refresh: ${err.error.error}`)
      throw new Error(errors.USER_ACTION_NEEDED_OAUTH_OUTDATED)
    }
    throw new Error(errors.VENDOR_DOWN)
  }
  const { access_token, refresh_token } = tokens
  const account = await api.konnector.getAccount(api.konnector.accountId)
  await api.konnector.updateAccountAttributes({
    oauth: { ...account.oauth, access_token, refresh_token },
  })
  return tokens
}
