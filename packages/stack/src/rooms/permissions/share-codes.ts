import { createHash, randomBytes, randomInt } from 'node:crypto'
import type { DocumentTransaction } from '#ground/documents/contract'
import type { Tenant } from '#ground/tenant'
import { signJwt } from './jwt.ts'
import { claimCode } from './store.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** A million tiny codes, of which few are taken: so many misses in a row do not happen. */
const TRIES = 100

/** Whether a token may be a short code: 6 digits, or 12 word characters; a dot after it comes from a sentence. */
export const isShortCode = (token: string): boolean => /^(\d{6}|\w{12})\.?$/.test(token)
export const isTinyCode = (token: string): boolean => /^\d{6}\.?$/.test(token)
export const withoutDot = (code: string): string => (code.endsWith('.') ? code.slice(0, -1) : code)

/** What a share token is found by. */
export const codeDigest = (token: string): string => createHash('sha256').update(token).digest('hex')

/**
 * A share token. Upstream's says who and when, so that two links of one name made in one second are the same token and the
 * first one's document answers for both; a random member (`jti`) tells them apart.
 */
export function signShareCode(tenant: Tenant, name: string, now: Date, key: Uint8Array): string {
  const jti = randomBytes(12).toString('base64url')
  return signJwt({ aud: ['share'], iss: tenant.domain, iat: Math.floor(now.getTime() / 1000), sub: name, jti }, key)
}

/** Takes a new short code for a document: 12 letters and digits, or 6 digits. */
export async function newShortCode(writer: DocumentTransaction, permissionId: string, tiny: boolean): Promise<string> {
  for (let tried = 0; tried < TRIES; tried++) {
    const code = tiny ? String(randomInt(1_000_000)).padStart(6, '0') : randomLetters(12)
    if (await claimCode(writer, code, permissionId)) return code
  }
  throw new Error('No short code is free')
}

const randomLetters = (length: number): string =>
  Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join('')
