import heavy from '../heavy.cjs'

/** pdfjs measures in points, 72 to the inch. */
export const POINTS_PER_CM = 72 / 2.54

// biome-ignore lint/suspicious/noExplicitAny: the konnector brings its own version
type Any = any

/** pdfjs and the two fonts we write with, besides its default one. */
export interface Pdfjs {
  pdf: Any
  bold: Any
  oblique: Any
}

/**
 * @returns the konnector's pdfjs
 * @throws {Error} when it has none
 */
export function loadPdfjs(): Pdfjs {
  const [pdf, bold, oblique] = [heavy.pdfjs(), heavy.pdfjsHelveticaBold(), heavy.pdfjsHelveticaOblique()]
  if (!pdf || !bold || !oblique) throw new Error('pdfjs dependency is missing. Please add it in your package.json')
  return { pdf, bold, oblique }
}
