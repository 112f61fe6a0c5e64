import type { Clock } from '#ground/clock'
import type { Keyring } from '#ground/keyring/contract'
import type { Tenant } from '#ground/tenant'
import { type AccountType, type GivenType, hasSecretMode, TYPE_NAME } from './account-type.ts'
import type { TypeRow, TypeStore } from './type-store.ts'

/** A type as it is listed: without its secrets, but saying which it has. */
export type ListedType = Omit<AccountType, 'client_secret' | 'secret'> & {
  has_client_secret: boolean
  has_secret: boolean
}

export interface AccountTypes {
  list(): Promise<ListedType[]>
  find(id: string): Promise<ListedType | undefined>
  /** @returns whether it is new */
  put(id: string, given: GivenType): Promise<boolean>
  /** @returns whether there was one */
  remove(id: string): Promise<boolean>
  /** The one that holds for an instance: that of its context before the common one. Undefined for an unknown name. */
  forInstance(tenant: Tenant, name: string): Promise<AccountType | undefined>
  /** Slug of the konnector of a type of an instance, when the type is known and says it. */
  konnectorOfType(tenant: Tenant, name: string): Promise<string | undefined>
  /**
   * What a konnector gets as `COZY_PARAMETERS.secret` (`protocol/konnector-runtime.md` §5): that of the only account type of
   * its slug that has a secret mode. Undefined when there is none, or several.
   */
  secretFor(tenant: Tenant, slug: string): Promise<unknown>
}

export interface AccountTypesDeps {
  store: TypeStore
  keyring: Keyring
  clock: Clock
  contextOf(tenant: Tenant): Promise<string | undefined>
}

const sealContext = (id: string, member: string) => JSON.stringify(['account type', id, member])

export function createAccountTypes({ store, keyring, clock, contextOf }: AccountTypesDeps): AccountTypes {
  const seal = (id: string, member: string, value: unknown) =>
    keyring.sealGlobal(sealContext(id, member), JSON.stringify(value))
  const open = async (id: string, member: string, sealed: string | null): Promise<unknown> =>
    sealed === null ? undefined : JSON.parse(await keyring.openGlobal(sealContext(id, member), sealed))

  const sealGiven = async (
    id: string,
    member: 'client_secret' | 'secret',
    given: unknown,
    kept: TypeRow | undefined,
  ) => {
    if (given === undefined) return kept?.[member] ?? null
    return given === null ? null : seal(id, member, given)
  }

  const rowFor = async (tenant: Tenant, name: string): Promise<TypeRow | undefined> => {
    if (!TYPE_NAME.test(name)) return undefined
    const context = await contextOf(tenant)
    const own = context === undefined ? undefined : `${context}/${name}`
    const rows = await store.find([name, ...(own === undefined ? [] : [own])])
    return rows.find(({ id }) => id === own) ?? rows.find(({ id }) => id === name)
  }

  return {
    list: async () => (await store.list()).map(listed),
    find: async id => (await store.find([id])).map(listed)[0],
    async put(id, { client_secret, secret, ...definition }) {
      const [kept] = await store.find([id])
      const sealed = {
        client_secret: await sealGiven(id, 'client_secret', client_secret, kept),
        secret: await sealGiven(id, 'secret', secret, kept),
      }
      return store.put({ id, definition, ...sealed }, clock.now())
    },
    remove: id => store.remove(id),
    async forInstance(tenant, name) {
      const row = await rowFor(tenant, name)
      if (!row) return undefined
      const clientSecret = (await open(row.id, 'client_secret', row.client_secret)) as string | undefined
      const secret = await open(row.id, 'secret', row.secret)
      return { ...definitionOf(row), client_secret: clientSecret, secret }
    },
    async konnectorOfType(tenant, name) {
      const row = await rowFor(tenant, name)
      return row && definitionOf(row).slug
    },
    async secretFor(tenant, slug) {
      const context = await contextOf(tenant)
      const names = new Map<string, TypeRow>()
      // Sorted so that the context's own comes last and takes the place of the common one.
      const bySlug = (await store.ofSlug(slug)).sort((a, b) => Number(a.id.includes('/')) - Number(b.id.includes('/')))
      for (const row of bySlug) {
        const [first = '', name] = row.id.split('/')
        if (name === undefined || first === context) names.set(name ?? first, row)
      }
      const [only, ...others] = [...names.values()].filter(row => hasSecretMode(definitionOf(row)))
      return only && others.length === 0 ? open(only.id, 'secret', only.secret) : undefined
    },
  }
}

const definitionOf = ({ id, definition }: TypeRow) => ({ id, ...definition }) as AccountType

const listed = (row: TypeRow): ListedType => ({
  ...definitionOf(row),
  has_client_secret: row.client_secret !== null,
  has_secret: row.secret !== null,
})
