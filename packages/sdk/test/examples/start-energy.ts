// What the build puts behind an entry (see `src/start.ts`).
import { startIfMain } from '@konnectory/sdk/start'
import * as entry from './energy/index.ts'

startIfMain(entry)
