import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { load } from 'cheerio'
import { scrape } from '../../src/scrape.ts'

// biome-ignore lint/suspicious/noExplicitAny: selections
type Any = any

const $ = load(`
  <div id="list">
    <div class="bill"><b class="label" href="one"> One </b><i>1 €</i><u>a</u><u>b</u></div>
    <div class="bill"><b class="label" href="two"> Two </b><i>2 €</i></div>
  </div>
  <div class="bill"><b class="label">Outside</b></div>`)
const first = $('.bill').eq(0)

/** Runs with the log caught. */
function logged<T>(run: () => T): { result: T; lines: string[] } {
  const lines: string[] = []
  const restore = mock.method(console, 'log', (line: string) => void lines.push(line))
  try {
    return { result: run(), lines }
  } finally {
    restore.mock.restore()
  }
}

test('[spec] one value, by selector or spec, parsed', () => {
  assert.equal(scrape(first, '.label'), 'One')
  assert.equal(scrape(first, { sel: '.label', parse: (text: string) => text.toUpperCase() }), 'ONE')
  assert.equal(scrape(first, { sel: '.label', attr: 'href' }), 'one')
})

test('[spec] several properties, attr, fn', () => {
  const item = scrape(first, {
    label: '.label',
    link: { sel: '.label', attr: 'href' },
    custom: { sel: '.label', fn: ($node: Any) => `${$node.attr('href')}:${$node.text().trim()}` },
    amount: { sel: 'i', parse: Number.parseFloat },
    whole: { fn: ($node: Any) => $node.children().length },
    own: { attr: 'class' },
  })
  assert.deepEqual(item, { label: 'One', link: 'one', custom: 'one:One', amount: 1, whole: 4, own: 'bill' })
})

test('[spec] a list from the root', () => {
  assert.deepEqual(scrape($, { label: '.label' }, '.bill'), [{ label: 'One' }, { label: 'Two' }, { label: 'Outside' }])
})

test('FIX-22: a list inside a selection', () => {
  assert.deepEqual(scrape($('#list'), { label: '.label' }, '.bill'), [{ label: 'One' }, { label: 'Two' }])
})

test('nothing found, several found', () => {
  assert.deepEqual(scrape(first, { text: '.none', attr: { sel: '.none', attr: 'href' } }), {
    text: '',
    attr: undefined,
  })
  assert.equal(scrape(first, 'u'), 'ab')
  assert.deepEqual(scrape($, { a: '.label' }, '.none'), [])
})

test('index gives the bare node to fn; 0 is ignored', () => {
  const { result } = logged(() =>
    scrape(first, {
      second: { sel: 'u', index: 1, fn: (node: Any) => node.children[0].data },
      zero: { sel: 'u', index: 0, fn: ($node: Any) => $node.length },
      text: { sel: 'u', index: 1 },
    }),
  )
  assert.deepEqual(result, { second: 'b', zero: 2 })
})

test('a property that throws is left out and logged, the others go on', () => {
  const parse = () => {
    throw new Error('bad amount')
  }
  const { result, lines } = logged(() => scrape(first, { amount: { sel: 'i', parse }, label: '.label' }))
  assert.deepEqual(result, { label: 'One' })
  assert.equal(lines.length, 2)
  assert.match(lines.join('\n'), /amount[\s\S]*bad amount/)
  assert.deepEqual(
    lines.map(line => JSON.parse(line).type),
    ['warn', 'warn'],
  )
})

test('the root has no single value: warned, and left out', () => {
  const { result, lines } = logged(() => [
    scrape($, { label: '.label' }),
    scrape($, '.label'),
    scrape('text', { a: 'b' }),
  ])
  assert.deepEqual(result, [{}, undefined, {}])
  assert.equal(lines.length, 6)
})
