import { sql } from 'kysely'
import type { Query } from '#ground/database/index'

type Tables = {
  account_types: {
    id: string
    definition: string | Record<string, unknown>
    client_secret: string | null
    secret: string | null
    created_at: Date
    updated_at: Date
  }
}

export interface TypeRow {
  id: string
  definition: Record<string, unknown>
  client_secret: string | null
  secret: string | null
}

/** The table of account types. */
export function createTypeStore(query: Query) {
  const tables = query.withTables<Tables>()
  const select = () =>
    tables
      .selectFrom('account_types')
      .select(['id', 'client_secret', 'secret', sql<Record<string, unknown>>`definition`.as('definition')])

  return {
    async find(ids: string[]): Promise<TypeRow[]> {
      return ids.length === 0 ? [] : select().where('id', 'in', ids).execute()
    },
    async list(): Promise<TypeRow[]> {
      return select().orderBy('id').execute()
    },
    async ofSlug(slug: string): Promise<TypeRow[]> {
      return select().where(sql`definition ->> 'slug'`, '=', slug).orderBy('id').execute()
    },
    /** @returns whether there was none before */
    async put({ id, definition, client_secret, secret }: TypeRow, now: Date): Promise<boolean> {
      const values = { definition: JSON.stringify(definition), client_secret, secret, updated_at: now }
      const { created } = await tables
        .insertInto('account_types')
        .values({ id, ...values, created_at: now })
        .onConflict(conflict => conflict.column('id').doUpdateSet(values))
        .returning(sql<boolean>`xmax = 0`.as('created'))
        .executeTakeFirstOrThrow()
      return created
    },
    async remove(id: string): Promise<boolean> {
      const { numDeletedRows } = await tables.deleteFrom('account_types').where('id', '=', id).executeTakeFirst()
      return numDeletedRows > 0n
    },
  }
}

export type TypeStore = ReturnType<typeof createTypeStore>
