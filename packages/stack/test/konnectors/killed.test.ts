import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { createTestDatabase } from '../../src/ground/database/testing.ts'
import { houseMigrations } from '../../src/house.ts'
import { createTestClock } from './clock.ts'
import { openKonnectors } from './open-konnectors.ts'
import { buildOf, temporary, writeFiles } from './sources.ts'

const ROUNDS = 12

test('killed at any instant: document, permissions and code are there together, or none of them', {
  timeout: 240_000,
}, async () => {
  await using folder = await temporary()
  await using database = await createTestDatabase({ migrations: houseMigrations() })
  const [one, other, data] = ['one', 'other', 'data'].map(name => join(folder.path, name)) as [string, string, string]
  const extra = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}.js`, `${i}`.repeat(1000)]))
  await writeFiles(one, buildOf({}, extra))
  await writeFiles(other, buildOf({ version: '1.1.0', permissions: { b: { type: 'io.cozy.bills' } } }, extra))
  const instanceId = randomUUID()
  let seen = 0
  for (let round = 0; round < ROUNDS; round++) {
    const script = join(import.meta.dirname, 'killed-installer.ts')
    const args = [script, database.url, data, instanceId, `file://${one}`, `file://${other}`, String(round)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = new Promise(resolve => child.once('close', resolve))
    let lines = randomInt(2, 24)
    for await (const _line of createInterface({ input: child.stdout })) if (--lines === 0) break
    // And somewhere within the step that has just begun.
    await new Promise(resolve => setTimeout(resolve, randomInt(0, 40)))
    child.kill('SIGKILL')
    await closed
    seen += await assertWhole(database, data)
  }
  assert.ok(seen > 0, 'some were installed when it was killed')

  const clock = createTestClock()
  const {
    konnectors,
    instance,
    database: own,
  } = await openKonnectors({ url: database.url, folder: data, instanceId, clock })
  await using _own = own
  clock.advance(31_000)
  for (const { slug } of await konnectors.list(instance, { limit: 100 })) await konnectors.uninstall(instance, slug)
  await (await konnectors.install(instance, { slug: 'a-0', source: `file://${one}` })).done
  clock.advance(3_700_000)
  await konnectors.housekeeping()
  assert.equal(await assertWhole(database, data), 1)
  assert.deepEqual(await readdir(join(data, 'konnectors', '.incoming')), [])
  assert.equal((await readdir(join(data, 'konnectors'))).length, 2)
})

/** @returns how many konnectors are installed */
async function assertWhole(
  { driver }: Pick<Awaited<ReturnType<typeof createTestDatabase>>, 'driver'>,
  data: string,
): Promise<number> {
  // One statement sees one moment.
  const { rows } = await driver.query<{
    slug: string
    version: string
    permissions: string
    bundle: string
    mine: string
    rules: string
  }>(
    `select k.doc ->> 'slug' as slug, k.doc ->> 'version' as version, k.doc ->> 'permissions' as permissions, i.bundle, i.slug as mine,
            p.doc ->> 'permissions' as rules
       from (select * from docs where doctype = 'io.cozy.konnectors' and not deleted) k
       full join konnector_installations i on i.instance_id = k.instance_id and 'io.cozy.konnectors/' || i.slug = k.id
       full join (select * from docs where doctype = 'io.cozy.permissions' and not deleted) p
         on p.instance_id = k.instance_id and p.id = k.id`,
  )
  for (const { slug, version, permissions, bundle, mine, rules } of rows) {
    assert.ok(slug && mine === slug && rules, JSON.stringify({ slug, mine, rules }))
    assert.deepEqual(JSON.parse(rules), JSON.parse(permissions))
    const folder = join(data, 'konnectors', bundle)
    assert.equal((await readdir(folder)).length, 23)
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.konnector'), 'utf8'))
    assert.ok(version.startsWith(`${manifest.version}-`))
    assert.equal((await readFile(join(folder, 'f19.js'), 'utf8')).length, 2000)
  }
  return rows.length
}
