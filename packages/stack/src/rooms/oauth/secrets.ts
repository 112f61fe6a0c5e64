import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A secret or code nobody guesses: 256 bits, in characters that need no escaping anywhere. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** Compares in a time that tells nothing, whatever the lengths. */
export const sameSecret = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

/** What is kept of a code. */
export const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
