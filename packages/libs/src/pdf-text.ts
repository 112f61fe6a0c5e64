import { cozyClient } from './cozy-client/index.ts'
import heavy from './heavy.cjs'

/** A piece of text of a page, as pdfjs gives it. */
export interface PdfTextItem {
  str: string
  dir: string
  width: number
  height: number
  /** Place and scale: `[a, b, c, d, x, y]`. */
  transform: number[]
  fontName: string
  hasEOL: boolean
}

/** The text of all read pages, and under each page's number its items. */
export type PdfText = { text: string } & { [page: number]: PdfTextItem[] }

/** The part of pdfjs-dist that is used. */
interface PdfJs {
  getDocument(source: Uint8Array): {
    promise: Promise<{
      numPages: number
      getPage(page: number): Promise<{ getTextContent(): Promise<{ items: PdfTextItem[] }> }>
    }>
  }
}

/**
 * The text of a PDF stored in the instance, read with the konnector's own pdfjs-dist 2.x.
 * @param fileId id of the file
 * @param options `pages`: numbers, counted from 1, or one number; default all
 * @returns items joined by a newline, pages one after the other without separator
 * @throws Error when the konnector does not depend on pdfjs-dist
 */
export async function getPdfText(fileId: string, options: { pages?: number | number[] } = {}): Promise<PdfText> {
  const pdfjs = heavy.pdfjsDist() as PdfJs | undefined
  if (!pdfjs)
    throw new Error('pdfjs-dist dependency is missing. Please add it in your package.json')
    // pdfjs-dist looks for its worker beside its own file, which a bundle does not have; this is where it looks first.
  ;(globalThis as { pdfjsWorker?: unknown }).pdfjsWorker ??= heavy.pdfjsDistWorker()
  const response = await cozyClient.files.downloadById(fileId)
  const document = await pdfjs.getDocument(new Uint8Array(await response.arrayBuffer())).promise
  const pages = options.pages
    ? [options.pages].flat()
    : Array.from({ length: document.numPages }, (_, index) => index + 1)
  const result: PdfText = { text: '' }
  for (const number of pages) {
    const { items } = await (await document.getPage(number)).getTextContent()
    result.text += items.map(item => item.str).join('\n')
    result[number] = items
  }
  return result
}
