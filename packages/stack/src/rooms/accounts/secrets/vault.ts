import type { Body } from '#ground/documents/contract'
import { type Keyring, KeyringError, MasterKeyError } from '#ground/keyring/contract'
import { keyIdOf } from '#ground/keyring/sealed-text'
import type { Log } from '#ground/log'
import type { Tenant } from '#ground/tenant'
import { accountTypeOf } from '../account.ts'
import { CREDENTIALS, changeSecrets, isSecret, PASSWORD, type Place, plainName, SEALED_SUFFIX } from './members.ts'

/**
 * An account as far as its secrets are bound to it. Its type belongs to that: an account made again under the id of another
 * konnector's one does not open what the other had.
 */
export interface Owner {
  id: string
  type: string | undefined
}

export const ownerOf = (id: string, body: Body): Owner => ({ id, type: accountTypeOf(body) })

/** Seals and opens the secrets inside accounts. */
export interface Vault {
  /**
   * The account to store: secrets in clear are sealed; those already sealed are kept where the clear one is not there.
   * @param before whose the sealed ones in it may still be, when the account changes its type
   */
  seal(tenant: Tenant, owner: Owner, account: Body, before?: Owner): Promise<Body>
  /** The account as its konnector sees it. What does not open stays sealed. */
  open(tenant: Tenant, owner: Owner, account: Body): Promise<Body>
  /**
   * The account with what other keys than `keyId` have sealed sealed again, undefined when there is nothing of that. What does
   * not open stays.
   */
  reseal(tenant: Tenant, owner: Owner, account: Body, keyId: string | undefined): Promise<Body | undefined>
}

/** What the keyring binds each secret of an account to. */
export const secretContext = ({ id, type }: Owner): string => JSON.stringify(['account', id, type ?? null])

/**
 * A secret as it is sealed. Where it stands is inside, so that a client cannot move it under a name that is shown or stored
 * in clear; the context is one for the whole account, as archives of instances need it.
 */
interface Secret {
  place: Place
  name: string
  value: unknown
}

export function createVault({ keyring, log }: { keyring: Keyring; log: Log }): Vault {
  const sealValue = (tenant: Tenant, owner: Owner, place: Place, name: string, value: unknown) => {
    const secret: Secret = { place, name, value }
    return keyring.seal(tenant.id, secretContext(owner), JSON.stringify(secret))
  }

  /** Undefined when it is nothing of ours, of another account, or was moved. */
  const openValue = async (tenant: Tenant, owner: Owner, place: Place, name: string, sealed: unknown) => {
    if (typeof sealed !== 'string') return undefined
    try {
      const secret = JSON.parse(await keyring.open(tenant.id, secretContext(owner), sealed)) as Secret
      return secret.place === place && secret.name === name ? secret : undefined
    } catch (error) {
      // A key that is not at hand is the server's trouble, not the document's.
      if (!(error instanceof KeyringError) || error instanceof MasterKeyError) throw error
      return undefined
    }
  }

  const sealMembers = async (tenant: Tenant, owner: Owner, before: Owner | undefined, place: Place, members: Body) => {
    const isPlain = (name: string) =>
      name === CREDENTIALS ? place === 'auth' && Object.hasOwn(members, PASSWORD) : Object.hasOwn(members, name)
    const entries: [string, unknown][] = []
    for (const [name, value] of Object.entries(members)) {
      const sealedName = plainName(place, name)
      if (place === 'auth' && name === PASSWORD) {
        const credentials = { login: members.login, password: value }
        entries.push([
          `${CREDENTIALS}${SEALED_SUFFIX}`,
          await sealValue(tenant, owner, place, CREDENTIALS, credentials),
        ])
      } else if (isSecret(place, name)) {
        entries.push([`${name}${SEALED_SUFFIX}`, await sealValue(tenant, owner, place, name, value)])
      } else if (sealedName === undefined) {
        entries.push([name, value])
      } else if (!isPlain(sealedName)) {
        const moved = before && (await openValue(tenant, before, place, sealedName, value))
        entries.push([name, moved ? await sealValue(tenant, owner, place, sealedName, moved.value) : value])
      }
    }
    // Not by assignment: a member may be called __proto__.
    return Object.fromEntries(entries)
  }

  const openMembers = async (tenant: Tenant, owner: Owner, place: Place, members: Body) => {
    const entries: [string, unknown][] = []
    for (const [name, value] of Object.entries(members)) {
      const plain = plainName(place, name)
      const opened = plain && (await openValue(tenant, owner, place, plain, value))
      if (!opened) {
        if (plain)
          log.warn('a secret of an account does not open', { instance: tenant.domain, account: owner.id, name })
        entries.push([name, value])
      } else if (plain === CREDENTIALS) {
        entries.push(...credentialEntries(opened.value, members))
      } else if (!Object.hasOwn(members, plain)) {
        entries.push([plain, opened.value])
      }
    }
    return Object.fromEntries(entries)
  }

  /** @returns what stands there instead, undefined when it may stay */
  const sealedAgain = async (
    tenant: Tenant,
    owner: Owner,
    place: Place,
    name: string,
    value: unknown,
    keyId: unknown,
  ) => {
    const plain = plainName(place, name)
    if (plain === undefined || typeof value !== 'string' || keyIdOf(value) === keyId) return undefined
    const secret = await openValue(tenant, owner, place, plain, value)
    return secret && sealValue(tenant, owner, place, plain, secret.value)
  }

  return {
    async reseal(tenant, owner, account, keyId) {
      let changed = false
      const resealed = await changeSecrets(account, async (place, members) => {
        const entries: [string, unknown][] = []
        for (const [name, value] of Object.entries(members)) {
          const again = await sealedAgain(tenant, owner, place, name, value, keyId)
          if (again !== undefined) changed = true
          entries.push([name, again ?? value])
        }
        return Object.fromEntries(entries)
      })
      return changed ? resealed : undefined
    },
    seal: (tenant, owner, account, before) => {
      const moves = before && before.type !== owner.type ? before : undefined
      return changeSecrets(account, (place, members) => sealMembers(tenant, owner, moves, place, members))
    },
    open: (tenant, owner, account) =>
      changeSecrets(account, (place, members) => openMembers(tenant, owner, place, members)),
  }
}

/** The login in clear is what the person sees and may have changed since; the sealed one only fills the gap. */
function credentialEntries(opened: unknown, members: Body): [string, unknown][] {
  const { login, password } = opened as { login?: unknown; password: unknown }
  const entries: [string, unknown][] = []
  if (login !== undefined && !Object.hasOwn(members, 'login')) entries.push(['login', login])
  if (!Object.hasOwn(members, PASSWORD)) entries.push([PASSWORD, password])
  return entries
}
