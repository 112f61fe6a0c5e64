import { lockDataFile } from '../../src/index.ts'

/** A process that holds a data file until it is killed. */
await lockDataFile(process.argv[2] ?? '')
process.send?.('held')
setInterval(() => undefined, 1000)
