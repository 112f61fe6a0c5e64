import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { mock, test } from 'node:test'
import { cozyBrowser } from '../../src/cozy-browser.ts'
import { createJar } from '../../src/request/index.ts'
import { startVendor } from '../request/vendor.ts'

// zombie is the konnector's dependency (and brings jsdom 11): it is not one of ours. Where it can be found from the
// working directory, e.g. `cd <folder with zombie@6> && node --test …/cozy-browser.test.ts`, the browser is tried for real.
const fromHere = createRequire(`${process.cwd()}/package.json`)
const installed = (() => {
  try {
    return Boolean(fromHere.resolve('zombie'))
  } catch {
    return false
  }
})()

test('without zombie: a sentence that says what to do', { skip: installed }, () => {
  assert.throws(() => cozyBrowser(), { message: 'zombie dependency is missing. Please add it in your package.json' })
})

test('with zombie: pages, forms, redirects, cookies both ways', { skip: !installed }, async () => {
  const restore = mock.method(console, 'log', () => {})
  await using vendor = await startVendor(({ url, method, text, headers }, response) => {
    response.setHeader('content-type', 'text/html')
    if (url === '/go') response.writeHead(302, { location: '/end', 'set-cookie': ['sid=1; Path=/', 'b=2'] }).end()
    else if (method === 'POST') response.end(`<p>posted ${text}</p>`)
    else
      response.end(
        `<form method="post"><input name="user"><input type="submit" value="ok"></form><p>${headers.cookie}</p>`,
      )
  })
  const CozyBrowser = cozyBrowser()
  const browsers = [new CozyBrowser(), new CozyBrowser({ userAgent: 'mine' })]
  const [first, second] = browsers
  try {
    assert.ok(first instanceof fromHere('zombie'))
    assert.equal(first.pipeline.cozy, true)
    assert.equal(first.userAgent, 'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:62.0) Gecko/20100101 Firefox/62.0')
    assert.equal(first.waitDuration, '20s')
    await first.visit(`${vendor.url}/go`)
    assert.equal(first.location.href, `${vendor.url}/end`)
    assert.equal(first.text('p'), 'sid=1; b=2')
    const jar = first.getCookieJar()
    assert.equal(jar.getCookieStringSync(vendor.url), 'sid=1; b=2')

    const saved = createJar()
    saved.setCookie('x=9; Path=/; Expires=Fri, 01 Jan 2038 00:00:00 GMT', vendor.url)
    second.loadCookieJar(saved._jar)
    await second.visit(vendor.url)
    assert.equal(second.text('p'), 'x=9')
    assert.equal(vendor.last().headers['user-agent'], 'mine')
    second.fill('user', 'bob')
    await second.pressButton('ok')
    assert.equal(second.text('p'), 'posted user=bob')
  } finally {
    restore.mock.restore()
    for (const browser of browsers) browser.destroy()
  }
})
