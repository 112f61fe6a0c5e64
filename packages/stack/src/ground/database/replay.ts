import { type Migration, migrate } from './migrations.ts'
import { createTestDatabase, silentLog, type TestDatabase } from './testing.ts'

/**
 * Upgrades from every earlier version: for each beginning of the list, a database that was left there is migrated to the
 * end. Each must come out the same as a new one.
 * @param seed writes rows at that version, to be looked at by `check` at the end
 * @returns the versions replayed
 * @throws when a schema differs, showing both
 */
export async function replayEveryVersion(
  migrations: Migration[],
  hooks: {
    seed?(database: TestDatabase, version: number): Promise<void>
    check?(database: TestDatabase, version: number): Promise<void>
  } = {},
): Promise<number> {
  await using fresh = await createTestDatabase({ migrations: [] })
  await migrate(fresh.driver, migrations, silentLog)
  const expected = await describeSchema(fresh)
  for (let version = 0; version < migrations.length; version++) {
    await using database = await createTestDatabase({ migrations: [] })
    await migrate(database.driver, migrations.slice(0, version), silentLog)
    await hooks.seed?.(database, version)
    await migrate(database.driver, migrations, silentLog)
    const found = await describeSchema(database)
    if (found !== expected) {
      throw new Error(`From version ${version} the schema becomes\n${found}\nand a new one is\n${expected}`)
    }
    await hooks.check?.(database, version)
  }
  return migrations.length
}

/** Tables, columns, indexes, constraints and sequences as text, in an order of their own. */
export async function describeSchema({ driver }: TestDatabase): Promise<string> {
  const { rows } = await driver.query<{ line: string }>(`
    with ours as (select oid, nspname from pg_namespace where nspname !~ '^(pg_|information_schema)')
    select format('%s %s.%s', c.relkind, o.nspname, c.relname) as line
      from pg_class c join ours o on o.oid = c.relnamespace
    union all
    select format('column %s %s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
                  case when a.attnotnull then 'not null' else '' end, pg_get_expr(d.adbin, d.adrelid))
      from pg_attribute a join pg_class c on c.oid = a.attrelid join ours o on o.oid = c.relnamespace
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm')
    union all
    select format('index %s', pg_get_indexdef(i.indexrelid))
      from pg_index i join pg_class c on c.oid = i.indexrelid join ours o on o.oid = c.relnamespace
    union all
    select format('constraint %s %s', n.conrelid::regclass, pg_get_constraintdef(n.oid))
      from pg_constraint n join ours o on o.oid = n.connamespace
    union all
    select format('trigger %s', pg_get_triggerdef(t.oid))
      from pg_trigger t join pg_class c on c.oid = t.tgrelid join ours o on o.oid = c.relnamespace where not t.tgisinternal
    union all
    select format('function %s', pg_get_functiondef(p.oid))
      from pg_proc p join ours o on o.oid = p.pronamespace where p.prokind in ('f', 'p')
    order by line`)
  return rows.map(({ line }) => line.trimEnd()).join('\n')
}
