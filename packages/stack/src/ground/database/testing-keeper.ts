/** Keeps the server of a test run: `node testing-keeper.ts <folder> <pid of the run> managed|external`. See testing.ts. */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../clock.ts'
import { createLog } from '../log.ts'
import { givenBinaries, packagedBinaries } from './binaries.ts'
import { startPostgres } from './launcher.ts'
import { isAlive, type KeptServer } from './testing.ts'

/** Debian's, the oldest that is supported; `apt install postgresql-15`. */
const EXTERNAL_BINARIES = '/usr/lib/postgresql/15/bin'
const LOOK_EVERY_MS = 200
/** Test files run side by side, and each may open several pools. */
const CONNECTIONS = 100

async function keep(folder: string, run: number, kind: string): Promise<void> {
  const log = createLog({ level: 'info', clock: systemClock, write: line => process.stderr.write(line) })
  const binaries = kind === 'external' ? await givenBinaries(EXTERNAL_BINARIES) : packagedBinaries()
  await using server = await startPostgres({
    dataDirectory: join(folder, 'data'),
    binaries,
    connections: CONNECTIONS,
    volatile: true,
    log,
  })
  const { host, port, user } = server.connection
  publish(folder, { keeper: process.pid, host, port, user, version: binaries.version })
  // The run is not our child: nothing tells of its end.
  while (isAlive(run)) await delay(LOOK_EVERY_MS)
}

function publish(folder: string, server: KeptServer): void {
  const file = join(folder, 'server.json')
  writeFileSync(`${file}.new`, JSON.stringify(server))
  renameSync(`${file}.new`, file)
}

if (import.meta.main) {
  const [folder, run, kind] = process.argv.slice(2)
  if (!folder || !run || !kind) throw new Error('testing-keeper.ts is started by testing.ts')
  try {
    await keep(folder, Number(run), kind)
  } catch (error) {
    publish(folder, { keeper: process.pid, error: (error as Error).message })
    while (isAlive(Number(run))) await delay(LOOK_EVERY_MS)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
