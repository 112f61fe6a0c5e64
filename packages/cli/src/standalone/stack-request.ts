/** A request of the konnector to the stack, once answered. */
export interface StackRequest {
  method: string
  /** Path without query. */
  path: string
  /** `io.cozy.files` for files routes; undefined for routes that are about no doctype. */
  doctype?: string
  status: number
}

/** An answer of the stack with the doctype it is about, so that permissions can be compared with what a konnector really does. */
export function toStackRequest(answer: { method: string; path: string; status: number }): StackRequest {
  const doctype = doctypeOf(answer.path)
  return doctype ? { ...answer, doctype } : answer
}

function doctypeOf(path: string): string | undefined {
  const [, room, doctype] = path.split('/')
  if (room === 'files') return 'io.cozy.files'
  if (room === 'data' && doctype && !doctype.startsWith('_')) return decode(doctype)
  return undefined
}

/** A path that is not properly percent-encoded was refused by the stack; it is about nothing. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
