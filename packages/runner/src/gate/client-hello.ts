const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const ENCRYPTED_CLIENT_HELLO = 0xfe0d
/** RFC 8446 §5.1 allows 2^14; a browser's largest, with post-quantum keys, is 2 kB. */
const MAX_HELLO = 16_384

export type Hello =
  /** Not all of it is here yet. */
  | { state: 'more' }
  /** No TLS, or none we can read: nothing passes. */
  | { state: 'broken' }
  /** `serverName` in lower case, when the client names one. `isEncrypted`: the real name may be hidden in an extension. */
  | { state: 'read'; serverName: string | undefined; isEncrypted: boolean }

/** Reads the first flight of a TLS client, which may come in pieces and in several records. Trusts no length in it. */
export function readClientHello(bytes: Buffer): Hello {
  const handshake = unpackRecords(bytes)
  if (handshake === undefined) return { state: 'broken' }
  if (handshake.length < 4) return { state: 'more' }
  if (handshake[0] !== CLIENT_HELLO) return { state: 'broken' }
  const length = handshake.readUIntBE(1, 3)
  if (length > MAX_HELLO) return { state: 'broken' }
  if (handshake.length < 4 + length) return { state: 'more' }
  try {
    return { state: 'read', ...readExtensions(new Reader(handshake.subarray(4, 4 + length))) }
  } catch (error) {
    if (error instanceof RangeError) return { state: 'broken' }
    throw error
  }
}

/** @returns the handshake bytes so far, undefined when this is no TLS handshake */
function unpackRecords(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  let total = 0
  let at = 0
  while (at < bytes.length) {
    if (bytes[at] !== HANDSHAKE_RECORD || (at + 1 < bytes.length && bytes[at + 1] !== 3)) {
      // What follows a whole hello (early data) is not ours to judge.
      return total > 0 ? Buffer.concat(parts) : undefined
    }
    if (at + 5 > bytes.length) break
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > MAX_HELLO + 256) return undefined
    const part = bytes.subarray(at + 5, at + 5 + length)
    parts.push(part)
    total += part.length
    if (total > MAX_HELLO + 4) break
    at += 5 + length
  }
  return Buffer.concat(parts)
}

function readExtensions(hello: Reader): { serverName: string | undefined; isEncrypted: boolean } {
  hello.skip(2 + 32)
  hello.skip(hello.number(1))
  hello.skip(hello.number(2))
  hello.skip(hello.number(1))
  let serverName: string | undefined
  let isEncrypted = false
  if (hello.left === 0) return { serverName, isEncrypted }
  const extensions = hello.part(hello.number(2))
  while (extensions.left > 0) {
    const type = extensions.number(2)
    const body = extensions.part(extensions.number(2))
    if (type === ENCRYPTED_CLIENT_HELLO) isEncrypted = true
    if (type !== SERVER_NAME) continue
    // A second one is forbidden, and which of them a server believes is its own affair.
    if (serverName !== undefined) throw new RangeError('two server names')
    const names = body.part(body.number(2))
    const kind = names.number(1)
    const name = names.part(names.number(2))
    if (kind !== 0 || names.left > 0) throw new RangeError('a list of server names')
    serverName = name.text().toLowerCase().replace(/\.$/, '')
  }
  return { serverName, isEncrypted }
}

/** A cursor that never reads past its end. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  skip(count: number): void {
    if (count > this.left) throw new RangeError('past the end')
    this.#at += count
  }

  number(size: 1 | 2): number {
    const from = this.#at
    this.skip(size)
    return this.#bytes.readUIntBE(from, size)
  }

  part(length: number): Reader {
    const from = this.#at
    this.skip(length)
    return new Reader(this.#bytes.subarray(from, from + length))
  }

  text(): string {
    return this.#bytes.toString('latin1')
  }
}
