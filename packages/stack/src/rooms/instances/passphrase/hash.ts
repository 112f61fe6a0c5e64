import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'

/** As upstream: 32 MiB and some 80 ms each. */
const N = 32_768
const R = 8
const P = 1
const KEY_BYTES = 32
const SALT_BYTES = 16

/** At a time: they share the threads with the file system, and hold 32 MiB each. */
const AT_ONCE = 2
/** Waiting beside those; more are refused, so that nobody fills the memory with guesses. */
const MOST_WAITING = 200

/** There are too many at a time; the same request may be sent again. */
export class HashingBusy extends Error {
  override name = 'HashingBusy'
}

let running = 0
const waiting: (() => void)[] = []

async function derive(secret: string, salt: Buffer, options: ScryptOptions & { keyBytes: number }): Promise<Buffer> {
  if (running >= AT_ONCE) {
    if (waiting.length >= MOST_WAITING) throw new HashingBusy('Too many passphrases are being checked')
    await new Promise<void>(resolve => waiting.push(resolve))
  } else running++
  try {
    return await new Promise((resolve, reject) =>
      scrypt(secret.normalize('NFC'), salt, options.keyBytes, options, (error, key) =>
        error ? reject(error) : resolve(key),
      ),
    )
  } finally {
    const next = waiting.shift()
    // The place goes from hand to hand.
    if (next) next()
    else running--
  }
}

/** @returns `scrypt$32768$8$1$<salt hex>$<hash hex>` */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(secret, salt, { N, r: R, p: P, maxmem: 64 * N * R * 4, keyBytes: KEY_BYTES })
  return `scrypt$${N}$${R}$${P}$${salt.toString('hex')}$${hash.toString('hex')}`
}

/** In constant time for a hash of ours. @throws when the text is no such hash */
export async function matchesHash(secret: string, text: string): Promise<boolean> {
  const [, n, r, p, salt = '', hash = ''] = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([0-9a-f]+)\$([0-9a-f]+)$/.exec(text) ?? []
  if (!hash) throw new Error('The stored hash of a passphrase cannot be read')
  const expected = Buffer.from(hash, 'hex')
  const given = await derive(secret, Buffer.from(salt, 'hex'), {
    N: Number(n),
    r: Number(r),
    p: Number(p),
    maxmem: 256 * Number(n) * Number(r),
    keyBytes: expected.length,
  })
  return timingSafeEqual(given, expected)
}
