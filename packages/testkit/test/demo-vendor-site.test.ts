import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startDemoVendor } from '@konnectory/testkit/demo-vendor'
import { ADA, createBrowser, GRACE, logIn } from './browser.ts'

const clock = () => new Date('2026-11-20T10:00:00Z')

test('logging in: token of the form, new session id, account page', async () => {
  await using vendor = await startDemoVendor({ clock })
  const browser = createBrowser(vendor.url)
  const form = await browser.open('/login')
  const before = browser.cookies.get('AVSESSID')?.value
  assert.ok(before, 'a session cookie comes with the form')
  const account = await browser.submit(form, '#login-form', { username: ADA[0], password: ADA[1] })
  assert.equal(account.url, '/account')
  assert.match(account.text, /<h1 class="account-name">Ada Lovelace<\/h1>/)
  assert.equal(account.text.match(/<li class="contract /g)?.length, 3)
  assert.notEqual(browser.cookies.get('AVSESSID')?.value, before, 'the session id changes at login')
  assert.ok(browser.setCookies.some(line => /^AVSESSID=.*Path=\/; HttpOnly; SameSite=Lax/.test(line)))
  assert.ok(browser.setCookies.some(line => /^AVKEY=.*HttpOnly.*Max-Age=1800/.test(line)))
})

test('a login without the right token is refused, a stolen session cookie of before is worth nothing', async () => {
  await using vendor = await startDemoVendor()
  const browser = createBrowser(vendor.url)
  await browser.open('/login')
  const body = new URLSearchParams({ username: ADA[0], password: ADA[1], _csrf: 'forged' })
  const answer = await browser.open('/login/check', { method: 'POST', body })
  assert.equal(answer.status, 403)
  assert.match(answer.text, /class="alert csrf-error"/)

  const stranger = createBrowser(vendor.url)
  stranger.cookies.set('AVSESSID', { value: browser.cookies.get('AVSESSID')!.value, path: '/' })
  await logIn(browser, ...ADA)
  assert.equal((await stranger.open('/account')).url, '/login?next=%2Faccount')
})

test('a wrong password is an HTTP 200 page that says so; the fifth one locks the login until the time is over', async () => {
  let now = clock()
  await using vendor = await startDemoVendor({ clock: () => now })
  const browser = createBrowser(vendor.url)
  for (let attempt = 1; attempt <= 4; attempt++) {
    const page = await logIn(browser, ADA[0], 'wrong')
    assert.equal(page.status, 200)
    assert.match(page.text, /<p id="login-error" class="alert alert-error">/)
    assert.match(page.text, /value="ada@example.org"/)
  }
  const locked = await logIn(browser, ADA[0], 'wrong')
  assert.equal(locked.status, 200)
  assert.match(locked.text, /class="alert too-many-attempts"/)
  assert.doesNotMatch(locked.text, /<form/)
  assert.match((await logIn(browser, ...ADA)).text, /too-many-attempts/, 'the right password does not help')
  now = new Date(now.getTime() + 16 * 60_000)
  assert.equal((await logIn(browser, ...ADA)).url, '/account')
  await logIn(createBrowser(vendor.url), ADA[0], 'wrong')
  vendor.unlock(ADA[0])
})

test('two factors: a code by text message, a wrong one, another one, then a trusted device that survives a restart', async () => {
  const printed: string[] = []
  await using vendor = await startDemoVendor({ onTextMessage: ({ to, code }) => printed.push(`${to} ${code}`) })
  const browser = createBrowser(vendor.url)
  const ask = await logIn(browser, ...GRACE)
  assert.equal(ask.url, '/login/2fa')
  assert.match(ask.text, /class="twofa-hint"/)
  assert.equal((await browser.open('/account')).url, '/login?next=%2Faccount', 'half a login opens nothing')
  const first = vendor.lastCode(GRACE[0])!
  assert.match(first, /^\d{6}$/)
  assert.deepEqual(printed, [`${GRACE[0]} ${first}`])
  assert.match(await (await fetch(`${vendor.url}/_phone`)).text(), new RegExp(`data-code="${first}"`))

  const wrong = await browser.submit(ask, '#twofa-form', { code: '000000' })
  assert.equal(wrong.status, 200)
  assert.match(wrong.text, /<p id="twofa-error" class="alert alert-error">/)
  const resent = await browser.submit(wrong, '#resend-form', {})
  assert.notEqual(vendor.lastCode(), first)
  const inside = await browser.submit(resent, '#twofa-form', { code: vendor.lastCode()!, trust: '1' })
  assert.equal(inside.url, '/account')
  assert.ok(browser.setCookies.some(line => /^AVTRUST=.*Path=\/login; HttpOnly.*Expires=/.test(line)))

  await browser.open('/logout')
  assert.equal((await logIn(browser, ...GRACE)).url, '/account', 'no code on a trusted device')
  await using restarted = await startDemoVendor()
  const same = createBrowser(restarted.url)
  same.cookies.set('AVTRUST', browser.cookies.get('AVTRUST')!)
  assert.equal((await logIn(same, ...GRACE)).url, '/account')
})

test('three wrong codes lead back to the login', async () => {
  await using vendor = await startDemoVendor()
  const browser = createBrowser(vendor.url)
  let page = await logIn(browser, ...GRACE)
  for (let attempt = 1; attempt <= 3; attempt++) page = await browser.submit(page, '#twofa-form', { code: '000000' })
  assert.equal(page.url, '/login?expired=1')
  assert.match(page.text, /id="login-error"/)
})

test('invoices: pages, contracts, French and English, a credit note', async () => {
  await using vendor = await startDemoVendor({ clock })
  const browser = createBrowser(vendor.url)
  await logIn(browser, ...ADA)
  const refs: string[] = []
  let pages = 0
  let path: string | undefined = '/invoices'
  while (path) {
    const page = await browser.open(path)
    pages++
    refs.push(...[...page.text.matchAll(/data-ref="([^"]+)"/g)].map(match => match[1]!))
    path = /<a class="next"[^>]*href="([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&')
  }
  assert.equal(pages, 3)
  assert.equal(refs.length, 29)
  assert.deepEqual(
    refs,
    vendor.invoicesOf(ADA[0]).map(({ ref }) => ref),
  )

  const french = await browser.open('/invoices')
  assert.match(french.text, /<td class="invoice-date">03\/11\/2026<\/td>/)
  assert.match(french.text, /<td class="invoice-amount">\d+,\d\d\u00a0€<\/td>/)
  const care = await browser.open('/invoices?contract=CH-204883')
  assert.match(care.text, /<td class="invoice-amount">1\u202f\d{3},\d\d\u00a0€<\/td>/)
  assert.equal(care.text.match(/<tr class="invoice"/g)?.length, 2)
  const english = await browser.open('/invoices?contract=CH-204883&lang=en')
  assert.match(english.text, /<td class="invoice-date">1 April 2026<\/td>/)
  assert.match(english.text, /<td class="invoice-amount">€1,\d{3}\.\d\d<\/td>/)
  const second = await browser.open('/invoices?page=1&contract=EL-204881')
  assert.match(second.text, /<tr class="invoice credit-note" data-ref="A202607-204881">/)
  assert.match(second.text, /<td class="invoice-amount">-\d+,\d\d\u00a0€<\/td>/)
})

test('the language chosen at login stays', async () => {
  await using vendor = await startDemoVendor({ clock })
  const browser = createBrowser(vendor.url)
  const account = await logIn(browser, ...ADA, { lang: 'en' })
  assert.match(account.text, /Customer number/)
  assert.match((await browser.open('/invoices')).text, /3 November 2026/)
})

test('a new customer has a page that says there is nothing, not an empty table', async () => {
  await using vendor = await startDemoVendor()
  const browser = createBrowser(vendor.url)
  await logIn(browser, 'alan@example.org', 'turing-1912')
  const { text } = await browser.open('/invoices')
  assert.match(text, /<p class="no-invoices">/)
  assert.doesNotMatch(text, /<table/)
})

test('the profile page says who one is', async () => {
  await using vendor = await startDemoVendor()
  const browser = createBrowser(vendor.url)
  await logIn(browser, ...ADA)
  const { text } = await browser.open('/account/profile')
  assert.match(text, /<dd class="profile-lastname">Lovelace<\/dd>/)
  assert.match(text, /<dd class="profile-postcode">\d{5}<\/dd>/)
  assert.match(text, /<dd class="profile-phone">\+33 6( \d\d){4}<\/dd>/)
})

test('a session dies: without the rotating key, after half an hour, when the site is deployed anew', async () => {
  let now = clock()
  await using vendor = await startDemoVendor({ clock: () => now })
  const browser = createBrowser(vendor.url)
  await logIn(browser, ...ADA)
  const old = browser.cookies.get('AVKEY')!
  await browser.open('/account')
  await browser.open('/account')
  browser.cookies.set('AVKEY', old)
  assert.match((await browser.open('/account')).url, /^\/login\?next/)

  await logIn(browser, ...ADA)
  now = new Date(now.getTime() + 31 * 60_000)
  assert.match((await browser.open('/invoices?page=2')).url, /^\/login\?next=%2Finvoices%3Fpage%3D2$/)

  await logIn(browser, ...ADA, { remember: '1' })
  now = new Date(now.getTime() + 20 * 86_400_000)
  assert.equal((await browser.open('/account')).status, 200)
  assert.equal((await browser.open('/account')).url, '/account', 'remembered for 30 days')
  vendor.endSessions()
  assert.match((await browser.open('/account')).url, /^\/login/)
})

test('parallel requests with one key are all served', async () => {
  await using vendor = await startDemoVendor()
  const browser = createBrowser(vendor.url)
  await logIn(browser, ...ADA)
  const pages = await Promise.all([1, 2, 3, 1].map(page => browser.open(`/invoices?page=${page}`)))
  assert.deepEqual(
    pages.map(page => page.url.slice(0, 9)),
    Array(4).fill('/invoices'),
  )
})

test('next leads back, but only inside the site', async () => {
  await using vendor = await startDemoVendor()
  const browser = createBrowser(vendor.url)
  const page = await browser.open('/invoices?page=3')
  assert.equal(
    (await browser.submit(page, '#login-form', { username: ADA[0], password: ADA[1] })).url,
    '/invoices?page=3',
  )
  const evil = await browser.open('/login?next=//evil.test/')
  assert.match(evil.text, /name="next" value="\/account"/)
})

test('data: the same from one start to the next, more with time, other with another seed or number', async () => {
  await using first = await startDemoVendor({ clock })
  await using again = await startDemoVendor({ clock })
  await using later = await startDemoVendor({ clock: () => new Date('2026-12-20T10:00:00Z') })
  await using seeded = await startDemoVendor({ clock, seed: 2 })
  await using many = await startDemoVendor({ clock, invoices: 1000 })
  const list = first.invoicesOf(ADA[0])
  assert.deepEqual(again.invoicesOf(ADA[0]), list)
  assert.notDeepEqual(seeded.invoicesOf(ADA[0]), list)
  const fresh = later.invoicesOf(ADA[0]).filter(({ ref }) => !list.some(old => old.ref === ref))
  assert.deepEqual(
    fresh.map(({ date }) => date),
    ['2026-12-03'],
  )
  const kept = later.invoicesOf(ADA[0]).filter(({ ref }) => list.some(old => old.ref === ref))
  assert.deepEqual(
    kept,
    list.filter(({ ref }) => kept.some(item => item.ref === ref)),
  )
  assert.equal(new Set(many.invoicesOf(ADA[0]).map(({ ref }) => ref)).size, 1000)
})

test('an invoice added while running shows up first; requests are counted', async () => {
  await using vendor = await startDemoVendor({ clock })
  const added = vendor.addInvoice({ amountCents: 123456 })
  assert.equal(added.date, '2026-11-20')
  assert.throws(() => vendor.addInvoice({ ref: added.ref }), /exists already/)
  assert.throws(() => vendor.addInvoice({}, 'nobody@example.org'), /no customer/)
  const browser = createBrowser(vendor.url)
  await logIn(browser, ...ADA)
  assert.equal(/data-ref="([^"]+)"/.exec((await browser.open('/invoices')).text)?.[1], added.ref)
  assert.equal(vendor.count('GET', '/invoices'), 1)
  assert.equal(vendor.count('POST', '/login/*'), 1)
  assert.deepEqual(
    vendor.requests.map(({ method, path, status }) => `${method} ${path} ${status}`),
    ['GET /login 200', 'POST /login/check 302', 'GET /account 200', 'GET /invoices 200'],
  )
  vendor.clearRequests()
  assert.equal(vendor.requests.length, 0)
})

test('home sets the usual cookies, an unknown page is 404', async () => {
  await using vendor = await startDemoVendor()
  const browser = createBrowser(vendor.url)
  assert.match((await browser.open('/')).text, /class="login-link"/)
  assert.ok(browser.setCookies.some(line => /^visitor=.*Expires=/.test(line)))
  assert.equal((await browser.open('/nowhere')).status, 404)
  await logIn(browser, ...ADA)
  assert.equal((await browser.open('/invoices/%E0%A4%A/pdf')).status, 404)
})
