import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
const cheerio = require('../../src/phantom/cheerio.cjs')
const { default: imported } = require('../../src/phantom/cheerio.cjs')

const PAGE = `<!doctype html><html><body>
  <form><input name=a value="é &amp; &lt;"><select name=s><option>1<option selected>2</select></form>
  <table><tr><td>1<td>2</table><p>unclosed<p class="x y">two<br>lines&nbsp;&euro;
  <script>var a = "<b>not</b>"</script></body></html>`

test('load, as a member and destructured', () => {
  const { load } = cheerio
  assert.equal(load(PAGE)('p.x').length, 1)
  assert.equal(cheerio.load('<a/>', { xmlMode: true }).xml(), '<a/>')
})

test('the default export and the callable module of old', () => {
  assert.equal(imported, cheerio)
  assert.equal(cheerio('<b>x</b>').text(), 'x')
  assert.equal(cheerio('b', '<div><b>y</b></div>').text(), 'y')
  const $ = cheerio.load(PAGE)
  assert.equal(cheerio($('p').get(0)).text(), 'unclosed')
  assert.equal(cheerio('option', $.root()).length, 2)
})

test('static functions', () => {
  const $ = cheerio.load('<p>a<b>c</b></p>')
  const { html } = cheerio
  assert.equal(html($('b')), '<b>c</b>')
  assert.equal(cheerio.text($('p').toArray()), 'ac')
  assert.equal(cheerio.xml($('b')), '<b>c</b>')
  assert.equal(cheerio.parseHTML('<i>1</i>').length, 1)
  assert.ok(cheerio.contains($('p').get(0), $('b').get(0)))
  assert.equal(cheerio.root().length, 1)
})

test('plugins on the prototype', () => {
  cheerio.prototype.shout = function (this: { text(): string }) {
    return this.text().toUpperCase()
  }
  try {
    assert.equal(cheerio('<b>x</b>').shout(), 'X')
  } finally {
    delete cheerio.prototype.shout
  }
})

// The bundler puts the browser build in place of the Node one (heavy.cjs says why): that is right as long as this holds.
test('cheerio’s browser build is the same code, and gives the same results', async () => {
  const node = dirname(require.resolve('cheerio')).replace(/commonjs$/, 'esm')
  const browser = node.replace(/esm$/, 'browser')
  for (const file of [
    'load-parse.js',
    'load.js',
    'parse.js',
    'static.js',
    'options.js',
    'cheerio.js',
    'api/forms.js',
  ]) {
    assert.equal(readFileSync(join(browser, file), 'utf8'), readFileSync(join(node, file), 'utf8'), file)
  }
  const built = await import(pathToFileURL(join(browser, 'index.js')).href)
  const results = [cheerio.load, built.load].map(load => {
    const $ = load(PAGE)
    return [
      $.html(),
      $('p').text(),
      $('form').serializeArray(),
      $('td')
        .map((_i: number, td: unknown) => $(td).text())
        .get(),
      load(Buffer.from(PAGE))('p').length,
    ]
  })
  assert.deepEqual(results[1], results[0])
})
