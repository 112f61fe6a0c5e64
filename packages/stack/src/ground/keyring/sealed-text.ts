import { KeyringError } from './contract.ts'

/** `k1.<key id>.<nonce, cipher text and tag>`: version 1, everything URL-safe. */
const SEALED = /^k1\.([\w-]{12})\.([\w-]{38,})$/

export interface Sealed {
  /** The data key that opens it. */
  keyId: string
  box: Buffer
}

export const writeSealed = ({ keyId, box }: Sealed): string => `k1.${keyId}.${box.toString('base64url')}`

/** @throws KeyringError when it is nothing this keyring wrote */
export function readSealed(text: string): Sealed {
  const [, keyId, body] = SEALED.exec(text) ?? []
  const box = Buffer.from(body ?? '', 'base64url')
  // Left-over bits of the last letter would let one sealed text be written in several ways.
  if (!keyId || box.toString('base64url') !== body) throw new KeyringError('This is no sealed text')
  return { keyId, box }
}

/** Which data key sealed a text; undefined when it is no sealed text. For rooms that seal again after a rotation. */
export const keyIdOf = (text: string): string | undefined => SEALED.exec(text)?.[1]
