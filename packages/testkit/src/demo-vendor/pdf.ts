/** One line of text on a page: position in points from the bottom left corner, size in points. */
export interface PdfLine {
  x: number
  y: number
  text: string
  size?: number
  bold?: boolean
}

/** Characters of WinAnsiEncoding that are not at their Unicode place. */
const WIN_ANSI: Record<string, number> = {
  '€': 0x80,
  '’': 0x92,
  '‘': 0x91,
  '“': 0x93,
  '”': 0x94,
  '–': 0x96,
  '—': 0x97,
  '…': 0x85,
  œ: 0x9c,
  Œ: 0x8c,
}

/** A PDF string literal in WinAnsi; what the encoding does not have becomes `?`, narrow spaces become spaces. */
function literal(text: string): string {
  let out = ''
  for (const sign of text.replace(/[\u202f\u2009]/g, ' ')) {
    const code = WIN_ANSI[sign] ?? sign.codePointAt(0)!
    if (code > 255) out += '?'
    else if (sign === '(' || sign === ')' || sign === '\\') out += `\\${sign}`
    else out += code < 32 || code > 126 ? `\\${code.toString(8).padStart(3, '0')}` : sign
  }
  return `(${out})`
}

/**
 * A valid PDF 1.4 with one A4 page per list of lines, Helvetica, text that can be extracted. Same arguments, same bytes.
 * @param info title and creation date (`/Info`)
 */
export function writePdf(pages: PdfLine[][], info: { title: string; created: Date }): Buffer {
  const objects: string[] = []
  const add = (body: string): number => objects.push(body)
  // 1 catalog, 2 page tree, 3 and 4 fonts, 5 info; then two objects per page.
  const pageIds = pages.map((_, index) => 6 + index * 2)
  add('<< /Type /Catalog /Pages 2 0 R >>')
  add(`<< /Type /Pages /Kids [${pageIds.map(id => `${id} 0 R`).join(' ')}] /Count ${pages.length} >>`)
  for (const font of ['Helvetica', 'Helvetica-Bold']) {
    add(`<< /Type /Font /Subtype /Type1 /BaseFont /${font} /Encoding /WinAnsiEncoding >>`)
  }
  const stamp = info.created.toISOString().replace(/[-:T]/g, '').slice(0, 14)
  add(`<< /Title ${literal(info.title)} /Producer (Konnectory demo vendor) /CreationDate (D:${stamp}Z) >>`)
  for (const [index, lines] of pages.entries()) {
    const content = lines
      .map(
        line =>
          `BT /${line.bold ? 'F2' : 'F1'} ${line.size ?? 11} Tf ${line.x} ${line.y} Td ${literal(line.text)} Tj ET`,
      )
      .join('\n')
    add(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${pageIds[index]! + 1} 0 R` +
        ' /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>',
    )
    add(`<< /Length ${content.length} >>\nstream\n${content}\nendstream`)
  }
  return assemble(objects)
}

/** Header, numbered objects, cross-reference table, trailer. Everything is ASCII, so offsets are string lengths. */
function assemble(objects: string[]): Buffer {
  let out = '%PDF-1.4\n'
  const offsets = objects.map((body, index) => {
    const offset = out.length
    out += `${index + 1} 0 obj\n${body}\nendobj\n`
    return offset
  })
  const xref = out.length
  const rows = offsets.map(offset => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`
  out += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n${xref}\n%%EOF\n`
  return Buffer.from(out, 'ascii')
}
