import { loadPdfjs, POINTS_PER_CM } from './html-to-pdf/pdfjs.ts'
import { appendContents, type HtmlToPdfOptions } from './html-to-pdf/walk.ts'

export type { HtmlToPdfOptions } from './html-to-pdf/walk.ts'

// biome-ignore lint/suspicious/noExplicitAny: `$`, selections and pdfjs documents belong to the konnector's own versions
type Any = any

/**
 * Appends the content of an HTML element to a PDF (exports.md section 20): text, links, bold and emphasis, headings,
 * tables with colspan, definition lists. Images, scripts and form fields are left out.
 * @param $ the page, of cheerio
 * @param doc a pdfjs document, cell or table cell
 * @param $node the element whose content is appended
 * @param options `baseURL` makes relative links absolute; `filter($element)` false leaves an element out; `txtOpts` are
 *   text options of pdfjs
 * @throws {Error} when the konnector has no `pdfjs`
 */
export function htmlToPDF($: Any, doc: Any, $node: Any, options: HtmlToPdfOptions = {}): void {
  appendContents({ ...loadPdfjs(), $, baseURL: '', filter: () => true, txtOpts: {}, ...options }, doc, $node)
}

/**
 * Starts a PDF that says where it comes from: a bold headline and the address as a link.
 * The caller ends it (`doc.end()`) and gives it as `filestream`; it has `pipe` but is not a Node Readable.
 * @returns a pdfjs Document
 * @throws {Error} when the konnector has no `pdfjs`
 */
export function createCozyPDFDocument(headline: string, url: string): Any {
  const { pdf, bold } = loadPdfjs()
  const doc = new pdf.Document()
  const text = doc.cell({ paddingBottom: 0.5 * POINTS_PER_CM }).text()
  text.add(headline, { font: bold, fontSize: 14 })
  text.add(url, { link: url, color: '0x0000FF' })
  return doc
}
