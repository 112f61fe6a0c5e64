import { type Pdfjs, POINTS_PER_CM } from './pdfjs.ts'
import { fitColspan, rowsOf, tableWidth } from './table-shape.ts'

// biome-ignore lint/suspicious/noExplicitAny: `$`, selections and pdfjs fragments belong to the konnector's own versions
type Any = any

export interface HtmlToPdfOptions {
  /** Relative links become absolute from here. */
  baseURL?: string
  /** Called with each element; false leaves it out. */
  filter?: ($element: Any) => boolean
  /** pdfjs text options of all text: `fontSize`, `color` … */
  txtOpts?: Record<string, unknown>
}

/** The paragraph that inline content goes to; undefined until there is something to write. */
interface Paragraph {
  text: Any
}

export interface WalkContext extends Required<HtmlToPdfOptions>, Pdfjs {
  $: Any
  /** A span goes on in the paragraph of its parent. */
  paragraph?: Paragraph
}

const IGNORED = new Set('i select input label form fieldset textarea button img script caption'.split(' '))
const INLINE = new Set(['a', 'strong', 'b', 'em', 'span', 'br'])
const BLOCKS = new Set(['div', 'p', 'ul'])
const TEXT_NODE = 3
const ELEMENT_NODE = 1

/** Appends the content of `$parent` to `fragment`, a pdfjs document or cell. */
export function appendContents(context: WalkContext, fragment: Any, $parent: Any): void {
  const paragraph = context.paragraph ?? { text: undefined }
  for (const node of $parent.contents().toArray()) {
    if (node.nodeType === TEXT_NODE) {
      if (node.data.trim() !== '') openText(context, fragment, paragraph).add(node.data)
    } else if (node.nodeType === ELEMENT_NODE) {
      const $element = context.$(node)
      const tag: string = node.tagName.toLowerCase()
      if (!context.filter($element) || IGNORED.has(tag)) continue
      if (INLINE.has(tag)) {
        appendInline(context, fragment, $element, tag, paragraph)
      } else {
        paragraph.text = undefined
        const { paragraph: _left, ...rest } = context
        appendBlock(rest, fragment, $element, tag)
      }
    }
  }
}

function openText(context: WalkContext, fragment: Any, paragraph: Paragraph): Any {
  paragraph.text ??= fragment.text('', context.txtOpts)
  return paragraph.text
}

function appendInline(context: WalkContext, fragment: Any, $element: Any, tag: string, paragraph: Paragraph): void {
  if (tag === 'span') {
    appendContents({ ...context, paragraph }, fragment, $element)
    return
  }
  const text = openText(context, fragment, paragraph)
  if (tag === 'br') text.br()
  else if (tag === 'a') text.add($element.text(), linkOptions($element.attr('href'), context.baseURL))
  else text.add($element.text(), { font: tag === 'em' ? context.oblique : context.bold })
}

/** Options of a link's text; undefined for what leads nowhere outside the page. */
function linkOptions(href: string | undefined, baseURL: string): { link: string; color: string } | undefined {
  if (href === undefined || href.startsWith('javascript:') || href.startsWith('#')) return undefined
  // A relative link without a base would have thrown the whole document away: its text is worth keeping.
  const base = baseURL || undefined
  return URL.canParse(href, base) ? { link: new URL(href, base).href, color: '0x0000FF' } : undefined
}

function appendBlock(context: WalkContext, fragment: Any, $element: Any, tag: string): void {
  const heading = /^h([1-5])$/.exec(tag)
  if (heading) {
    const txtOpts = { fontSize: 30 - 2 * Number(heading[1]) }
    appendContents({ ...context, txtOpts }, fragment, $element)
  } else if (tag === 'table') appendTable(context, fragment, $element)
  else if (tag === 'dl') appendDefinitions(context, fragment, $element)
  else appendContents(context, BLOCKS.has(tag) ? fragment.cell() : fragment, $element)
}

function appendTable(context: WalkContext, fragment: Any, $table: Any): void {
  const { $ } = context
  const width = tableWidth($, $table)
  if (width === 0) return
  const table = fragment.table({ widths: new Array(width).fill('*'), borderWidth: 1 })
  // Only rows may go into a table: what stands between them (a caption, stray text) is left out.
  for (const row of rowsOf($, $table)) {
    if (context.filter($(row))) appendRow(context, table.row(), $(row), width)
  }
}

function appendRow(context: WalkContext, row: Any, $row: Any, width: number): void {
  const cells = $row
    .children('td,th')
    .toArray()
    .map((cell: Any) => context.$(cell))
    .filter(context.filter)
  let room = width
  for (const [position, $cell] of cells.entries()) {
    const after = cells.length - position - 1
    const colspan = fitColspan($cell.attr('colspan'), room - after)
    room -= colspan
    appendContents(context, row.cell({ padding: 5, colspan }), $cell)
  }
  if (room > 0) row.cell({ colspan: room })
}

function appendDefinitions(context: WalkContext, fragment: Any, $list: Any): void {
  let table: Any
  let row: Any
  const addCell = ($content?: Any) => {
    table ??= fragment.table({ widths: [5 * POINTS_PER_CM, null], borderWidth: 1 })
    const isFirst = !row
    row ??= table.row()
    const cell = row.cell({ padding: 5 })
    if ($content) appendContents(context, cell, $content)
    if (!isFirst) row = undefined
  }
  for (const node of $list.find('dt,dd').toArray()) {
    const $item = context.$(node)
    if (!context.filter($item) || $item.closest('dl').get(0) !== $list.get(0)) continue
    const isTerm = node.tagName.toLowerCase() === 'dt'
    // A term without definition, and a second definition of a term, leave the other column empty.
    if (isTerm === Boolean(row)) addCell()
    addCell($item)
  }
  if (row) addCell()
}
