import { type Selectable, sql, type Transaction } from 'kysely'
import { type GroundTables, type Query, UniqueViolation } from '#ground/database/index'

/** Tables of this room (`migrations/`). */
export type InstanceTables = {
  instances: {
    instance_id: string
    domain: string
    old_domain: string | null
    uuid: string
    locale: string
    tz: string
    context: string
    email: string
    public_name: string
    auto_update: boolean
    auth_mode: string
    onboarding_finished: boolean
    quota_bytes: string | null
    blocked: string | null
    destroying: boolean
    flags: string | Record<string, unknown>
    register_token_hash: Buffer | null
    secrets: string
    created_at: Date
    updated_at: Date
  }
  passphrases: {
    instance_id: string
    hash: string
    salt: string
    iterations: number
    hint: string | null
    keys: string | Record<string, unknown>
    changed_at: Date
  }
}

export type InstanceRow = Omit<Selectable<InstanceTables['instances']>, 'secrets' | 'register_token_hash'> & {
  passphrase_defined: boolean
}
export type NewInstanceRow = InstanceTables['instances']
export type InstancePatch = Partial<Omit<NewInstanceRow, 'instance_id' | 'created_at'>>

type Connection = Query | Transaction<GroundTables>

/** The rows of `instances`; each function takes the connection, since some run in somebody's transaction. */
export function createInstanceStore(query: Query) {
  const tables = (connection: Connection = query) => connection.withTables<InstanceTables>()
  const rows = (connection?: Connection) =>
    tables(connection)
      .selectFrom('instances as i')
      .select([
        'i.instance_id',
        'i.domain',
        'i.old_domain',
        'i.uuid',
        'i.locale',
        'i.tz',
        'i.context',
        'i.email',
        'i.public_name',
        'i.auto_update',
        'i.auth_mode',
        'i.onboarding_finished',
        'i.quota_bytes',
        'i.blocked',
        'i.destroying',
        'i.flags',
        'i.created_at',
        'i.updated_at',
        sql<boolean>`exists (select from konnectory.passphrases p where p.instance_id = i.instance_id)`.as(
          'passphrase_defined',
        ),
      ])

  return {
    /** Those whose domain, or old domain, is one of these. */
    async findByDomains(domains: string[], connection?: Connection): Promise<InstanceRow[]> {
      return await rows(connection)
        .where(eb => eb.or([eb('i.domain', 'in', domains), eb('i.old_domain', 'in', domains)]))
        .execute()
    },

    async findById(id: string, connection?: Connection): Promise<InstanceRow | undefined> {
      return await rows(connection).where('i.instance_id', '=', id).executeTakeFirst()
    },

    /** By domain, `C` order, after a domain. */
    async list(options: { after?: string | undefined; limit: number }): Promise<InstanceRow[]> {
      return await rows()
        .where('i.destroying', '=', false)
        .$if(options.after !== undefined, some => some.where('i.domain', '>', options.after ?? ''))
        .orderBy('i.domain')
        .limit(options.limit)
        .execute()
    },

    /** Domains of which one would be taken for an app of the other. */
    async domainsBelow(domain: string, flat: boolean, connection: Connection): Promise<string[]> {
      const [first = '', ...rest] = domain.split('.')
      const like = (text: string) => text.replace(/[\\%_]/g, '\\$&')
      const pattern = flat ? `${like(first)}-%.${like(rest.join('.'))}` : `%.${like(domain)}`
      const found = await tables(connection)
        .selectFrom('instances')
        .select('domain')
        .where('domain', 'like', pattern)
        .execute()
      return found.map(row => row.domain)
    },

    /** @returns false when the domain is somebody's */
    async insert(row: NewInstanceRow, connection: Connection): Promise<void> {
      await tables(connection).insertInto('instances').values(row).execute()
    },

    async update(id: string, patch: InstancePatch, connection?: Connection): Promise<void> {
      await tables(connection).updateTable('instances').set(patch).where('instance_id', '=', id).execute()
    },

    async secrets(id: string): Promise<string | undefined> {
      const row = await tables()
        .selectFrom('instances')
        .select('secrets')
        .where('instance_id', '=', id)
        .executeTakeFirst()
      return row?.secrets
    },

    async registerTokenHash(id: string, connection?: Connection): Promise<Buffer | undefined> {
      const row = await tables(connection)
        .selectFrom('instances')
        .select('register_token_hash')
        .where('instance_id', '=', id)
        .executeTakeFirst()
      return row?.register_token_hash ?? undefined
    },

    async delete(id: string): Promise<void> {
      await tables().deleteFrom('instances').where('instance_id', '=', id).execute()
    },

    /** Those whose destruction was begun. */
    async destroying(): Promise<InstanceRow[]> {
      return await rows().where('i.destroying', '=', true).execute()
    },
  }
}

export type InstanceStore = ReturnType<typeof createInstanceStore>

export const isDomainTaken = (error: unknown): boolean =>
  error instanceof UniqueViolation && /^instances_(old_)?domain_key$/.test(error.constraint)
