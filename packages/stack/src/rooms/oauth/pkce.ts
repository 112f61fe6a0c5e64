import { createHash, timingSafeEqual } from 'node:crypto'

/** RFC 7636: 43 to 128 unreserved characters; a challenge by S256 is 32 bytes in base64url. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/

export const isChallenge = (text: string): boolean => CHALLENGE.test(text)

/**
 * Whether a verifier fits the challenge the code was asked with. A verifier without a challenge is refused too: somebody has
 * taken the challenge out of the request on its way.
 */
export function verifierFits(challenge: string | undefined, verifier: string | undefined): boolean {
  if (challenge === undefined) return verifier === undefined
  if (verifier === undefined || !VERIFIER.test(verifier)) return false
  const made = createHash('sha256').update(verifier).digest('base64url')
  return made.length === challenge.length && timingSafeEqual(Buffer.from(made), Buffer.from(challenge))
}
