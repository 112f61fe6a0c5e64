import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { load } from 'cheerio'
import { createCozyPDFDocument, type HtmlToPdfOptions, htmlToPDF } from '../../src/html-to-pdf.ts'

const { Document } = createRequire(import.meta.url)('pdfjs')

interface Run {
  text: string
  font: string
  size: number
  color: string
  x: number
}

/** The texts of a page in the order they are written, with how: pdfjs does not compress its content. */
async function texts(html: string, options?: HtmlToPdfOptions): Promise<{ runs: Run[]; raw: string }> {
  const doc = new Document()
  const $ = load(`<div id="root">${html}</div>`)
  htmlToPDF($, doc, $('#root'), options)
  const raw: string = (await doc.asBuffer()).toString('latin1')
  const fonts = new Map(
    [...raw.matchAll(/\/(F\d+) (\d+) 0 R/g)].map(([, name, id]) => {
      const object = new RegExp(`\\n${id} 0 obj[\\s\\S]*?/BaseFont /([\\w-]+)`).exec(raw)
      return [name as string, object?.[1] ?? '?']
    }),
  )
  const runs: Run[] = []
  let state = { font: '', size: 0, color: '', x: 0 }
  for (const line of raw.split('\n')) {
    const font = /^\/(F\d+) ([\d.]+) Tf$/.exec(line)
    const color = /^([\d.]+ [\d.]+ [\d.]+) sc$/.exec(line)
    const place = /([\d.]+) [\d.]+ Tm$/.exec(line)
    const shown = /^\[(.*)\] TJ$/.exec(line)
    if (font) state = { ...state, font: fonts.get(font[1] as string) ?? '?', size: Number(font[2]) }
    else if (color) state = { ...state, color: color[1] as string }
    else if (place) state = { ...state, x: Number(place[1]) }
    else if (shown) {
      // Kerning is a number between two pieces; a word space is -278 thousandths.
      const pieces = [...(shown[1] as string).matchAll(/\((.*?)\)|(-278\.000)/g)]
      runs.push({
        text: pieces
          .map(([, piece, space]) => (space ? ' ' : piece))
          .join('')
          .trim(),
        ...state,
      })
    }
  }
  return { runs, raw }
}

const words = async (html: string, options?: HtmlToPdfOptions) => (await texts(html, options)).runs.map(run => run.text)

test('createCozyPDFDocument: bold 14pt headline, blue link; a stream that is no Readable', async () => {
  const doc = createCozyPDFDocument('Headline', 'https://vendor.fr/bill')
  assert.equal(doc.readable, true)
  assert.equal(typeof doc.pipe, 'function')
  assert.equal(doc instanceof Readable, false)
  const raw = (await doc.asBuffer()).toString('latin1')
  assert.ok(raw.startsWith('%PDF-'))
  assert.match(raw, /\/F1 14\.000 Tf[\s\S]*\(Headline\)/)
  assert.match(raw, /0\.000 0\.000 1\.000 sc/)
  assert.match(raw, /\/URI \(https:\/\/vendor\.fr\/bill\)/)
})

test('text, bold, emphasis, span, br', async () => {
  const { runs } = await texts('plain <b>bold</b> and <strong>strong</strong> <em>em</em> <span>span</span><br>next')
  assert.deepEqual(
    runs.map(({ text, font }) => [text, font]),
    [
      ['plain', 'Helvetica'],
      ['bold', 'Helvetica-Bold'],
      ['and', 'Helvetica'],
      ['strong', 'Helvetica-Bold'],
      ['em', 'Helvetica-Oblique'],
      ['span', 'Helvetica'],
      ['next', 'Helvetica'],
    ],
  )
})

test('a span goes on in the line of its parent', async () => {
  const doc: string[] = []
  const fragment = (): object => ({
    text: () => {
      doc.push('|')
      return { add: (text: string) => doc.push(text) }
    },
    cell: fragment,
  })
  const $ = load('<div id="root">a<span>b</span>c<p>d</p>e</div>')
  htmlToPDF($, fragment(), $('#root'))
  assert.deepEqual(doc, ['|', 'a', 'b', 'c', '|', 'd', '|', 'e'])
})

test('links: absolute from baseURL; javascript:, # and what has no base are plain text', async () => {
  const { runs, raw } = await texts(
    '<a href="/rel">r</a> <a href="javascript:x">j</a> <b>-</b> <a href="#a">h</a> <b>-</b> <a>n</a>',
    {
      baseURL: 'https://vendor.fr/dir/',
    },
  )
  const blue = '0.000 0.000 1.000'
  assert.deepEqual(
    runs.map(({ text, color }) => [text, color === blue]),
    [
      ['r', true],
      ['j', false],
      ['-', false],
      ['h', false],
      ['-', false],
      ['n', false],
    ],
  )
  assert.match(raw, /\/URI \(https:\/\/vendor\.fr\/rel\)/)
  assert.deepEqual(await words('<a href="/rel">no base</a>'), ['no base'])
})

test('headings: 30 - 2n points, h1 to h5', async () => {
  const { runs } = await texts([1, 2, 3, 4, 5].map(n => `<h${n}>t${n}</h${n}>`).join(''))
  assert.deepEqual(
    runs.map(({ text, size }) => [text, size]),
    [
      ['t1', 28],
      ['t2', 26],
      ['t3', 24],
      ['t4', 22],
      ['t5', 20],
    ],
  )
})

test('ignored elements, comments, and filter', async () => {
  const ignored = 'i select label form fieldset textarea button script'.split(' ')
  const html = ignored.map(tag => `<${tag}>${tag}</${tag}>`).join('')
  assert.deepEqual(await words(`${html}<input value="v"><img alt="a"><!-- c -->kept`), ['kept'])
  const filter = ($node: { is(selector: string): boolean }) => !$node.is('.no')
  assert.deepEqual(
    await words('<p class="no">a</p><p>b</p><table><tr><td class="no">c</td><td>d</td></tr></table>', { filter }),
    ['b', 'd'],
  )
})

test('[spec] tables: simple, colspan, missing cells, colspan in the header, colspans too large, caption', async () => {
  const table: [rows: string, expected: string[]][] = [
    ['<tr><td>A</td><td>B</td></tr><tr><td>1</td><td>2</td></tr>', ['A', 'B', '1', '2']],
    [
      '<tr><td>A<td>B<td>C</tr><tr><td colspan=2>1<td>3</tr><tr><td>1<td colspan=2>2</tr><tr><td colspan=3>x</tr>',
      ['A', 'B', 'C', '1', '3', '1', '2', 'x'],
    ],
    ['<tr><td>A<td>B<td>C</tr><tr><td colspan=2>1</tr><tr><td>2</tr>', ['A', 'B', 'C', '1', '2']],
    ['<tr><td colspan=2>A<td>C</tr><tr><td>1<td>2<td>3</tr>', ['A', 'C', '1', '2', '3']],
    ['<tr><td>1<td>2</tr><tr><td colspan=6>A</tr>', ['1', '2', 'A']],
    ['<tr><td>1<td>2</tr><tr><td colspan=6>A<td>B</tr>', ['1', '2', 'A', 'B']],
    ['<tr><td>1</tr><tr><td>A<td>B</tr>', ['1', 'A', 'B']],
    ['<thead><tr><th>H</th></tr></thead><tbody><tr><td>1</td></tr></tbody>', ['H', '1']],
    ['<caption>gone</caption>', []],
    ['<tr></tr>', []],
  ]
  for (const [rows, expected] of table) assert.deepEqual(await words(`<table>${rows}</table>`), expected, rows)
})

test('[spec] a definition list and a table inside a cell', async () => {
  const list = '<dl><dt>t1</dt><dd>d1</dd><dt>t2</dt> <dd>d2</dd></dl>'
  assert.deepEqual(await words(`<table><tr><td>1<td>2</tr><tr><td>${list}</tr><tr><td colspan=6>A</tr></table>`), [
    '1',
    '2',
    't1',
    'd1',
    't2',
    'd2',
    'A',
  ])
  assert.deepEqual(await words('<table><tr><td><table><tr><td>in</td></tr></table></td><td>out</td></tr></table>'), [
    'in',
    'out',
  ])
})

test('definition lists: two columns, terms and definitions that miss their other half', async () => {
  const { runs } = await texts('<dl><dd>alone</dd><dt>t1</dt><dt>t2</dt><dd>d2</dd><dd>again</dd><dt>last</dt></dl>')
  const left = Math.min(...runs.map(run => run.x))
  assert.deepEqual(
    runs.map(({ text, x }) => [text, x === left ? 'left' : 'right']),
    [
      ['alone', 'right'],
      ['t1', 'left'],
      ['t2', 'left'],
      ['d2', 'right'],
      ['again', 'right'],
      ['last', 'left'],
    ],
  )
})

test('blocks and other elements are gone into', async () => {
  assert.deepEqual(await words('<div>a<p>b</p></div><ul><li>c</li></ul><section><small>d</small></section>'), [
    'a',
    'b',
    'c',
    'd',
  ])
  assert.deepEqual(await words('<tr><td>loose cell</td></tr>'), ['loose cell'])
})

test('without pdfjs: a sentence that says what to do', () => {
  const dir = mkdtempSync(join(tmpdir(), 'konnectory-pdf-'))
  try {
    // A copy of the file outside the repository finds no pdfjs, as in a konnector without it.
    const script = `
      const { readFileSync, writeFileSync } = require('node:fs')
      const file = ${JSON.stringify(join(dir, 'heavy.cjs'))}
      writeFileSync(file, readFileSync(${JSON.stringify(new URL('../../src/heavy.cjs', import.meta.url).pathname)}))
      const heavy = require(file)
      console.log(heavy.pdfjs(), heavy.pdfjsHelveticaBold(), heavy.pdfjsDist(), heavy.zombie())`
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: dir, encoding: 'utf8' })
    assert.equal(stdout, 'undefined undefined undefined undefined\n', stderr)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
