/** A process with a scheduler, to be killed. Says `ready` on standard output. */
import { systemClock } from '../../src/ground/clock.ts'
import { openTriggers } from './help.ts'

const house = await openTriggers({
  url: process.argv[2]!,
  clock: systemClock,
  holdMs: 2000,
  jobs: { leaseSeconds: 10 },
})
await house.jobs.registerWorker({ name: 'slot', run: async () => {} })
house.triggers.start()
process.stdout.write('ready\n')
process.stdin.resume()
