import type { Chore } from './housekeeping.ts'
import type { Rooms } from './rooms.ts'

const MINUTE = 60_000

/** What has to be done now and then for the rooms. Those with `atStart` are begun at once. */
export function chores({ oauth, instances, permissions, files, data, jobs, konnectors, runs }: Rooms): Chore[] {
  return [
    { name: 'clients and codes nobody came back for', everyMs: 5 * MINUTE, work: () => oauth.housekeeping() },
    { name: 'instances half destroyed', atStart: true, everyMs: 10 * MINUTE, work: () => instances.finishDestroying() },
    { name: 'runs that never ended', everyMs: 10 * MINUTE, work: () => permissions.runs.sweep() },
    { name: 'contents no file names, metadata nobody used', everyMs: 60 * MINUTE, work: () => files.housekeeping() },
    { name: 'jobs of long ago', everyMs: 60 * MINUTE, work: () => jobs.housekeeping() },
    { name: 'logs of runs of long ago', everyMs: 60 * MINUTE, work: () => runs.housekeeping() },
    { name: 'code no instance names', everyMs: 60 * MINUTE, work: () => konnectors.housekeeping() },
    { name: 'indexes of documents', atStart: true, everyMs: 60 * MINUTE, work: () => data.mango.maintain() },
  ]
}
