import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { KeyringError } from './contract.ts'

const CIPHER = 'aes-256-gcm'
export const KEY_BYTES = 32
/** NIST SP 800-38D: 96 bits; drawn at random, one key is good for 2^32 texts. */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What the text is made of, in the first byte: a lone surrogate has no UTF-8. */
const UTF8 = 0
const UTF16 = 1

/**
 * Takes bytes of a key over as a key object and wipes them. A key object cannot be wiped by hand, and so never turns to zeros
 * under somebody who seals with it; OpenSSL clears its memory when it goes.
 */
export function takeKey(bytes: Buffer): KeyObject {
  try {
    return createSecretKey(bytes)
  } finally {
    bytes.fill(0)
  }
}

export const newKey = (): KeyObject => takeKey(randomBytes(KEY_BYTES))

/** A name for a key that follows from it and does not help to find it: 72 bits. */
export function keyId(key: KeyObject): string {
  return createHmac('sha256', key).update('konnectory key id').digest().subarray(0, 9).toString('base64url')
}

/** What a text belongs to. JSON, since no two different lists write the same. */
const additional = (belongsTo: string[]) => Buffer.from(JSON.stringify(belongsTo))

/** @returns nonce, cipher text and tag in one */
export function encrypt(key: KeyObject, belongsTo: string[], plain: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(additional(belongsTo))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** @throws KeyringError when the key or what it belongs to is another, or a bit has changed */
export function decrypt(key: KeyObject, belongsTo: string[], box: Buffer): Buffer {
  if (box.length < NONCE_BYTES + TAG_BYTES) throw new KeyringError('The sealed text is too short')
  const end = box.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(additional(belongsTo))
    .setAuthTag(box.subarray(end))
  try {
    return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, end)), decipher.final()])
  } catch (cause) {
    throw new KeyringError('The sealed text does not open: it belongs elsewhere, or has been changed', { cause })
  }
}

/** Any text as bytes, none lost. */
export function textToBytes(text: string): Buffer {
  const wellFormed = text.isWellFormed()
  return Buffer.concat([Buffer.of(wellFormed ? UTF8 : UTF16), Buffer.from(text, wellFormed ? 'utf8' : 'utf16le')])
}

export function bytesToText(bytes: Buffer): string {
  return bytes.toString(bytes[0] === UTF16 ? 'utf16le' : 'utf8', 1)
}
