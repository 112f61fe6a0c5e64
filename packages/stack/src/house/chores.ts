import type { Ground } from '#ground/ground'
import type { Chore } from './housekeeping.ts'
import type { Rooms } from './rooms.ts'

const MINUTE = 60_000

/** What has to be done now and then for the rooms. */
export function chores(_ground: Ground, { oauth, instances, permissions, files }: Rooms): Chore[] {
  return [
    { name: 'clients and codes nobody came back for', everyMs: 5 * MINUTE, work: () => oauth.housekeeping() },
    { name: 'instances half destroyed', everyMs: 10 * MINUTE, work: () => instances.finishDestroying() },
    { name: 'runs that never ended', everyMs: 10 * MINUTE, work: () => permissions.runs.sweep() },
    { name: 'contents no file names, metadata nobody used', everyMs: 60 * MINUTE, work: () => files.housekeeping() },
  ]
}
