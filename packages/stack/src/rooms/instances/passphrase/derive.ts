import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'

/** What clients do when nothing else is said (`protocol/auth.md` §2). */
export const DEFAULT_ITERATIONS = 650_000
export const LEAST_ITERATIONS = 50_000
export const MOST_ITERATIONS = 5_000_000

const derive = promisify(pbkdf2)

/**
 * What a client sends instead of a passphrase: `base64(PBKDF2(masterKey, passphrase, 1))` with
 * `masterKey = PBKDF2(passphrase, salt, iterations)`, SHA-256, 32 bytes. On a thread of its own: 650 000 iterations take some
 * tenths of a second. Here only for passphrases that no client has derived.
 */
export async function derivePassphrase(passphrase: string, salt: string, iterations: number): Promise<string> {
  const masterKey = await derive(passphrase, salt, iterations, 32, 'sha256')
  return (await derive(masterKey, passphrase, 1, 32, 'sha256')).toString('base64')
}
