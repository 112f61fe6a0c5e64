import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export const LOGIN = 'planted.login@mail.example'
export const PASSWORD = 'planted-password'
export const HOST = 'vendor.test'

export interface TinyVendor extends AsyncDisposable {
  port: number
  /** `vendor.test=127.0.0.1:port` */
  host: string
  requests: string[]
}

/** A site with a login form, a session cookie, a list of bills and one PDF. */
export async function startTinyVendor(): Promise<TinyVendor> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      const { pathname } = new URL(request.url ?? '/', 'http://v')
      const session = request.headers.cookie?.includes('session=planted-session-cookie')
      const page = (html: string, status = 200, headers = {}): void =>
        void response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(html)
      const form =
        '<form method="post" action="/login"><input type="hidden" name="csrf_token" value="planted-csrf-1234"><input name="email"><input type="password" name="password"></form>'
      if (pathname === '/login' && request.method === 'GET') return page(form)
      if (pathname === '/login') {
        const sent = new URLSearchParams(body)
        const right =
          sent.get('email') === LOGIN &&
          sent.get('password') === PASSWORD &&
          sent.get('csrf_token') === 'planted-csrf-1234'
        return right
          ? page('', 302, { location: '/bills', 'set-cookie': 'session=planted-session-cookie; Path=/' })
          : page(`<p class="error">Wrong password</p>${form}`)
      }
      if (!session) return page('', 302, { location: '/login' })
      if (pathname === '/bills')
        return page(
          `<p>Hello ${LOGIN}</p><table><tr><td>2026-01-05</td><td>12.50</td><td><a href="/bill.pdf">pdf</a></td></tr></table>`,
        )
      if (pathname === '/bill.pdf')
        return void response
          .writeHead(200, { 'content-type': 'application/pdf' })
          .end('%PDF-1.4 planted personal content')
      page('not found', 404)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    host: `${HOST}=127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** An old-style konnector for that site, as authors wrote them. `throwWhenRefused`: false makes it a careless one. */
export function tinyKonnector(
  extra = '',
  loginCheck = "if ($('input[type=password]').length) throw new Error(errors.LOGIN_FAILED)",
): string {
  return `
const { BaseKonnector, requestFactory, saveBills, log, errors } = require('cozy-konnector-libs')
const request = requestFactory({ cheerio: true, json: false, jar: true })
const base = 'http://${HOST}'
module.exports = new BaseKonnector(start)
async function start(fields) {
  let $
  try {
    const login = await request(base + '/login')
    $ = await request({ url: base + '/login', method: 'POST', followAllRedirects: true, form: {
      csrf_token: login('input[name=csrf_token]').val(), email: fields.login, password: fields.password } })
  } catch (error) {
    if (error.message === errors.LOGIN_FAILED) throw error
    log('warn', error.message)
    throw new Error(errors.VENDOR_DOWN)
  }
  ${loginCheck}
  ${extra}
  const bills = $('tr').toArray().map(row => ({
    date: new Date($(row).find('td').eq(0).text()), amount: Number($(row).find('td').eq(1).text()), currency: 'EUR', vendor: 'Tiny',
    vendorRef: 'bill-1', filename: 'bill-1.pdf', fileurl: base + $(row).find('a').attr('href'),
  }))
  await this.saveBills(bills, fields, { fileIdAttributes: ['vendorRef'], keys: ['vendorRef'], linkBankOperations: false, requestInstance: request })
}
`
}
