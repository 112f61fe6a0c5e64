import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Ground } from '#ground/ground'
import { KeyringError } from '#ground/keyring/contract'
import type { Tenant } from '#ground/tenant'

/**
 * Secrets in thumbnail links. A list may have thousands, so none is stored and only one per tenant and minute is sealed: a key
 * that the keyring sealed goes along with a MAC of the file's id by that key. The link of one file opens no other, any process
 * of the server can check it, and it dies with the time that is sealed next to the key.
 */
export interface ThumbnailSecrets {
  /** @returns the secret for a file's id */
  signer(tenant: Tenant): Promise<(id: string) => string>
  /** Whether a secret was made for this file, at most ten minutes ago. */
  verify(tenant: Tenant, id: string, secret: string): Promise<boolean>
}

const VALID_MS = 10 * 60_000
/** A key is used so long for new links; the last of them is then still valid for ten minutes. */
const REUSED_MS = 60_000
const CONTEXT = 'files:thumbnails'

interface SigningKey {
  sealed: string
  key: Buffer
  madeAt: number
}

export function createThumbnailSecrets({ keyring, clock }: Pick<Ground, 'keyring' | 'clock'>): ThumbnailSecrets {
  const keys = new LRUCache<string, Promise<SigningKey>>({ max: 1000 })

  async function makeKey(tenant: Tenant, now: number): Promise<SigningKey> {
    const key = randomBytes(32)
    const until = now + REUSED_MS + VALID_MS
    return {
      key,
      madeAt: now,
      sealed: await keyring.seal(tenant.id, CONTEXT, JSON.stringify({ key: key.toString('base64'), until })),
    }
  }

  async function keyOf(tenant: Tenant): Promise<SigningKey> {
    const now = clock.now().getTime()
    const known = await keys.get(tenant.id)
    if (known && now >= known.madeAt && now < known.madeAt + REUSED_MS) return known
    const making = makeKey(tenant, now)
    keys.set(tenant.id, making)
    // A failed one must not be remembered; whoever asked gets the error.
    making.catch(() => keys.delete(tenant.id))
    return making
  }

  return {
    async signer(tenant) {
      const { sealed, key } = await keyOf(tenant)
      return id => `${macOf(key, id).toString('base64url')}~${sealed}`
    },
    async verify(tenant, id, secret) {
      const [mac = '', sealed] = splitOnce(secret)
      if (!sealed) return false
      let opened: string
      try {
        opened = await keyring.open(tenant.id, CONTEXT, sealed)
      } catch (error) {
        if (error instanceof KeyringError) return false
        throw error
      }
      const { key, until } = JSON.parse(opened) as { key: string; until: number }
      const given = Buffer.from(mac, 'base64url')
      const right = macOf(Buffer.from(key, 'base64'), id)
      return given.length === right.length && timingSafeEqual(given, right) && clock.now().getTime() <= until
    },
  }
}

const macOf = (key: Buffer, id: string) => createHmac('sha256', key).update(id).digest().subarray(0, 16)

function splitOnce(secret: string): [string?, string?] {
  const at = secret.indexOf('~')
  return at < 0 ? [] : [secret.slice(0, at), secret.slice(at + 1)]
}
