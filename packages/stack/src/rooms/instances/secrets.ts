import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { notFound } from '#ground/http/errors'
import type { Keyring } from '#ground/keyring/contract'
import type { News } from '#ground/news/contract'
import { INSTANCE_NEWS, type InstanceSecrets } from './instance.ts'
import type { InstanceStore } from './store.ts'

const CONTEXT = 'instance:secrets'
/** As long as the digest that signs with it, SHA-512. */
const BYTES = 64
/** As for instances: news that never came must not leave void sessions good for longer. Milliseconds. */
const REMEMBERED_FOR = 60_000
const NAMES = ['session', 'oauth', 'cli'] as const

export const newSecrets = (): InstanceSecrets => ({
  session: randomBytes(BYTES),
  oauth: randomBytes(BYTES),
  cli: randomBytes(BYTES),
})

export const secretsAsText = (secrets: InstanceSecrets): string =>
  JSON.stringify(Object.fromEntries(NAMES.map(name => [name, Buffer.from(secrets[name]).toString('base64url')])))

/** @throws when it is not a text of `secretsAsText` */
export function secretsFromText(text: string): InstanceSecrets {
  const parsed = JSON.parse(text) as Record<string, unknown>
  const [session, oauth, cli] = NAMES.map(name => {
    const value = Buffer.from(String(parsed[name]), 'base64url')
    if (value.length !== BYTES) throw new Error(`The ${name} secret does not have ${BYTES} bytes`)
    return value
  }) as [Buffer, Buffer, Buffer]
  return { session, oauth, cli }
}

/** Keys of instances: sealed in the database, open in memory for those in use. */
export function createSecrets({ store, keyring, news }: { store: InstanceStore; keyring: Keyring; news: News }) {
  const open = new LRUCache<string, Promise<InstanceSecrets>>({ max: 5_000, ttl: REMEMBERED_FOR })
  const end = news.subscribe(
    ({ tenant, doctype }) => {
      if (doctype === INSTANCE_NEWS) open.delete(tenant.id)
    },
    { wants: () => false, missed: () => open.clear() },
  )

  return {
    /** @throws HttpError 404 when the instance is gone */
    of({ id }: { id: string }): Promise<InstanceSecrets> {
      const known = open.get(id)
      if (known) return known
      const opening = (async () => {
        const sealed = await store.secrets(id)
        if (sealed === undefined) throw notFound('Instance not found')
        return secretsFromText(await keyring.open(id, CONTEXT, sealed))
      })()
      open.set(id, opening)
      // A failure is not remembered.
      opening.catch(() => {
        if (open.get(id) === opening) open.delete(id)
      })
      return opening
    },

    seal: (id: string, secrets: InstanceSecrets): Promise<string> => keyring.seal(id, CONTEXT, secretsAsText(secrets)),
    forget: (id: string) => void open.delete(id),
    end,
  }
}

export type Secrets = ReturnType<typeof createSecrets>
