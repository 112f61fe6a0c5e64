/** A line of the konnector's protocol (konnector-runtime.md §5). */
export interface KonnectorMessage {
  type: string
  /** At most 4000 bytes. */
  message: string
  /** Only of `critical`: no other attempt. */
  noRetry: boolean
}

const MAX_MESSAGE_BYTES = 4000

/** @returns undefined for what is not an object in JSON, or whose `message` is no text */
export function readMessage(line: string): KonnectorMessage | undefined {
  if (!line.trimStart().startsWith('{')) return undefined
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    // Konnectors and their libraries print what they like; it is a line of text then.
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { type = '', message = '', no_retry } = value as Record<string, unknown>
  if (typeof type !== 'string' || typeof message !== 'string') return undefined
  return { type, message: cutBytes(message, MAX_MESSAGE_BYTES), noRetry: no_retry === true }
}

/** The beginning of a text that fits in `limit` bytes of UTF-8, no character halved. */
export function cutBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text)
  return bytes.length <= limit ? text : decodeBeginning(bytes.subarray(0, limit))
}

/** Decodes bytes that may end in the middle of a character, without it. */
export function decodeBeginning(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true })
}
