import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { invalidAttribute } from '#ground/http/errors'

const derive = promisify(scrypt) as (password: string, salt: Buffer, length: number, cost: object) => Promise<Buffer>

/** 16 MiB and some 40 ms: what a link's password protects is less than an instance, and anybody may make us do it. */
const COST = { N: 16_384, r: 8, p: 1 }
const LENGTH = 32
export const LONGEST_PASSWORD = 1024

/** @throws JsonApiError 422 pointer `password` */
export function readPassword(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= LONGEST_PASSWORD) return value
  throw invalidAttribute('password', `password must be a text of at most ${LONGEST_PASSWORD} characters`)
}

/** What is kept of a share's password: `scrypt$N$r$p$salt$hash`, in hex. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, LENGTH, COST)
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('hex'), hash.toString('hex')].join('$')
}

export async function isPassword(password: string, kept: string): Promise<boolean> {
  const [, n, r, p, salt = '', hash = ''] = kept.split('$')
  const expected = Buffer.from(hash, 'hex')
  if (expected.length !== LENGTH) return false
  const cost = { N: Number(n), r: Number(r), p: Number(p) }
  return timingSafeEqual(await derive(password, Buffer.from(salt, 'hex'), LENGTH, cost), expected)
}

/** Name of the cookie a browser has once the password was given. */
export const passwordCookie = (permissionId: string): string => `pass${permissionId}`

/** The cookie's value: nothing is kept for it, and another password makes it void. */
export const passwordProof = (key: Uint8Array, permissionId: string, kept: string): string =>
  createHmac('sha256', key).update(`share-password:${permissionId}:${kept}`).digest('base64url')

/** Whether a `Cookie` header has the proof. */
export function showsProof(header: string | undefined, name: string, proof: string): boolean {
  const expected = Buffer.from(proof)
  return (header ?? '').split(';').some(pair => {
    const [given, value = ''] = pair.trim().split('=', 2)
    const bytes = Buffer.from(value)
    return given === name && bytes.length === expected.length && timingSafeEqual(bytes, expected)
  })
}
