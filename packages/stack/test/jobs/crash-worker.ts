/**
 * A worker process, to be killed: does jobs of the database it is given, and writes down when it was at which. Says `ready` on
 * standard output; ends when its standard input does.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/ground/clock.ts'
import { createLog } from '../../src/ground/log.ts'
import { openJobs } from './help.ts'

const url = process.argv[2]!
const log = createLog({ level: 'error', clock: systemClock, write: line => void process.stderr.write(line) })
const house = await openJobs({ url, log, jobs: { leaseSeconds: 10, superviseSeconds: 1, lookEveryMs: 500 } })
const { driver } = house.database
await house.jobs.registerWorker({
  name: 'konnector',
  concurrency: 3,
  async run({ id, message }, { signal }) {
    const { account, ms } = message as { account: string; ms: number }
    const { rows } = await driver.query<{ n: number }>(
      'insert into public.executions (job, account, pid) values ($1, $2, $3) returning n',
      [id, account, process.pid],
    )
    await delay(ms, undefined, { signal })
    await driver.query('update public.executions set ended = clock_timestamp() where n = $1', [rows[0]!.n])
  },
})
await house.jobs.start()
process.stdout.write('ready\n')
process.stdin.resume()
process.stdin.once('end', () => void house[Symbol.asyncDispose]())
