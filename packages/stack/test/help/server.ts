/**
 * A Konnectory as far as the database part goes: opens the database that its environment says, tells so in JSON lines on
 * stdout, and ends in order when its stdin ends. With WRITE=1 it writes rows and tells each that was acknowledged.
 */
import {
  createLog,
  DatabaseStartError,
  migrate,
  openDatabase,
  readConfig,
  readMigrations,
  systemClock,
} from '../../src/ground/index.ts'

const tell = (fact: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(fact)}\n`)
const started = performance.now()
const config = readConfig(process.env)
const log = createLog({
  level: config.log.level,
  clock: systemClock,
  write: line => process.stderr.write(line),
})

try {
  await using database = await openDatabase(config, { log, clock: systemClock })
  const ms = Math.round(performance.now() - started)
  await migrate(database.driver, readMigrations(), log)
  const server = await database.driver.query(
    "select current_setting('data_directory') as directory, (select setting from pg_settings where name = 'fsync') as fsync",
  )
  tell({ ready: true, ms, kind: database.kind, version: database.version, uid: process.getuid?.(), ...server.rows[0] })
  database.lost.catch(error => tell({ lost: error.message }))

  const { promise: closed, resolve } = Promise.withResolvers<void>()
  let open = true
  process.stdin.resume().once('end', () => {
    open = false
    resolve()
  })
  if (process.env.WRITE) {
    await database.driver.query(
      'create table if not exists rows (id bigserial primary key, round text not null, n int not null)',
    )
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let n = 0; open; n++) {
        const id = `${process.pid}-${writer}`
        await database.driver.query('insert into rows (round, n) values ($1, $2)', [id, n])
        process.stdout.write(`"${id} ${n}"\n`)
      }
    })
    await Promise.all(writers)
  }
  await closed
} catch (error) {
  if (!(error instanceof DatabaseStartError)) throw error
  tell({ refused: error.code, message: error.message })
  process.exitCode = 1
}
