import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { ArchiveError } from './tar.ts'

const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
const SCRYPT = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }
const SEALED = /^x1\.[\w-]{38,}$/
/** What tells a right passphrase from a wrong one before anything is written. */
const CHECK = 'konnectory archive'

const derive = promisify(scrypt) as (
  secret: string,
  salt: Buffer,
  length: number,
  options: typeof SCRYPT,
) => Promise<Buffer>

/** What of the manifest says how secrets were sealed. */
export interface SealInfo {
  salt: string
  check: string
}

/** Seals the secrets of one archive with a key made of a passphrase. AES-256-GCM, bound to where each stands. */
export interface ArchiveCipher {
  info: SealInfo
  seal(context: string, secret: string): string
  /** @throws ArchiveError when it was changed, or stood elsewhere */
  open(context: string, sealed: string): string
}

export const isArchiveSealed = (text: string): boolean => SEALED.test(text)

/** For a new archive. */
export async function newArchiveCipher(passphrase: string): Promise<ArchiveCipher> {
  const salt = randomBytes(SALT_BYTES)
  const cipher = withKey(await derive(passphrase.normalize('NFC'), salt, 32, SCRYPT))
  return { ...cipher, info: { salt: salt.toString('base64url'), check: cipher.seal('check', CHECK) } }
}

/** For one that was made so. @throws ArchiveError when the passphrase is not that one */
export async function openArchiveCipher(passphrase: string, info: SealInfo): Promise<ArchiveCipher> {
  const key = await derive(passphrase.normalize('NFC'), Buffer.from(info.salt, 'base64url'), 32, SCRYPT)
  const cipher = { ...withKey(key), info }
  try {
    cipher.open('check', info.check)
  } catch {
    throw new ArchiveError('This is not the passphrase that the archive was made with')
  }
  return cipher
}

function withKey(key: Buffer) {
  return {
    seal(context: string, secret: string): string {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      const box = [nonce, cipher.update(secret, 'utf8'), cipher.final()]
      return `x1.${Buffer.concat([...box, cipher.getAuthTag()]).toString('base64url')}`
    },
    open(context: string, sealed: string): string {
      if (!SEALED.test(sealed)) throw new ArchiveError('A secret in the archive cannot be read')
      const box = Buffer.from(sealed.slice(3), 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(context))
        .setAuthTag(box.subarray(-TAG_BYTES))
      try {
        const text = decipher.update(box.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8')
        return text + decipher.final('utf8')
      } catch {
        throw new ArchiveError('A secret in the archive does not open: it was changed, or moved')
      }
    },
  }
}
