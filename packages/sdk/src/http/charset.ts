/**
 * Text of a page in the charset it was written in.
 * Order: byte order mark, `Content-Type`, `<meta charset>` or `<?xml encoding>` in the first 1024 bytes, UTF-8.
 *
 * @param contentType value of the header, if any
 */
export function decodeText(bytes: Uint8Array, contentType: string | null | undefined): string {
  return decoderFor(charsetOf(bytes, contentType)).decode(bytes)
}

/** The label of the charset; `utf-8` when nothing says otherwise. */
export function charsetOf(bytes: Uint8Array, contentType: string | null | undefined): string {
  return fromMark(bytes) ?? fromHeader(contentType) ?? fromDocument(bytes) ?? 'utf-8'
}

function decoderFor(label: string): TextDecoder {
  try {
    return new TextDecoder(label)
  } catch {
    // A label nobody knows ("charset=none") must not lose the page.
    return new TextDecoder('utf-8')
  }
}

function fromMark(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return undefined
}

function fromHeader(contentType: string | null | undefined): string | undefined {
  return /;\s*charset\s*=\s*["']?([^"'\s;]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase()
}

function fromDocument(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 1024))
  const declared =
    /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']+)/i.exec(start)?.[1] ??
    /<meta[^>]*\scharset\s*=\s*["']?\s*([^"'\s/>;]+)/i.exec(start)?.[1] ??
    /<meta[^>]*content\s*=\s*["'][^"']*charset\s*=\s*([^"'\s;]+)/i.exec(start)?.[1]
  const label = declared?.toLowerCase()
  // A page that was read as bytes to find this cannot be UTF-16 (HTML standard, "prescan a byte stream").
  return label?.startsWith('utf-16') ? 'utf-8' : label
}
