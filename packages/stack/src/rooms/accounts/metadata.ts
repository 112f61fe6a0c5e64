import type { Body } from '#ground/documents/contract'
import type { Actor } from '#ground/http/grant'
import { isObject } from './account.ts'
import { isSecretInAuth } from './secrets/members.ts'

/** What the server says about who made an account (`protocol/data.md` §8). */
export function cozyMetadata(actor: Actor | undefined, now: Date): Body {
  const date = now.toISOString()
  const by = actor?.slug
  const version = actor?.version
  return {
    metadataVersion: 1,
    createdAt: date,
    updatedAt: date,
    ...(by && {
      createdByApp: by,
      ...(version && { createdByAppVersion: version }),
      updatedByApps: [{ slug: by, date, ...(version && { version }) }],
    }),
  }
}

/** Name of an account after what identifies its owner at the vendor; undefined when nothing in `auth` does. */
export function accountName({ auth, identifier }: Body): string | undefined {
  if (!isObject(auth)) return undefined
  // The name is shown to everybody: a secret never becomes one, whatever `identifier` says.
  const given = typeof identifier === 'string' && identifier !== '' && !isSecretInAuth(identifier)
  const name = Object.hasOwn(auth, given ? identifier : 'login') ? auth[given ? identifier : 'login'] : undefined
  return typeof name === 'string' && name !== '' ? name : undefined
}
