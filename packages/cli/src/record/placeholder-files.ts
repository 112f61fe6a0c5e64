/** The smallest files that readers of their type accept; they stand for a person's documents in a recording. */

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=='
const GIF = 'R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=='
const JPEG =
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA='
const WEBP = 'UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA'

/**
 * @param type as `fileType` tells it, undefined when unknown
 * @param number of the exchange: two files of a recording stay two different files
 * @returns bytes of a valid file of that type
 */
export function placeholderFile(type: string | undefined, number: number): Buffer {
  switch (type) {
    case 'pdf':
      return pdf(`File ${number} of the recording`)
    case 'png':
      return Buffer.from(PNG, 'base64')
    case 'gif':
      return Buffer.from(GIF, 'base64')
    case 'jpeg':
      return Buffer.from(JPEG, 'base64')
    case 'webp':
      return Buffer.from(WEBP, 'base64')
    case 'zip':
      return Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)])
    default:
      return Buffer.from([0, ...Buffer.from(`konnectory: file ${number} of the recording`)])
  }
}

/** @returns a one-page PDF with one line of text and a right cross-reference table. */
function pdf(line: string): Buffer {
  const drawing = `BT /F1 12 Tf 72 720 Td (${line}) Tj ET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let text = '%PDF-1.4\n'
  const offsets = objects.map((object, i) => {
    const offset = text.length
    text += `${i + 1} 0 obj\n${object}\nendobj\n`
    return offset
  })
  const table = offsets.map(offset => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  const size = objects.length + 1
  return Buffer.from(
    `${text}xref\n0 ${size}\n0000000000 65535 f \n${table}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`,
  )
}
