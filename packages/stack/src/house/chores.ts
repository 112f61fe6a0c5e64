import type { Ground } from '#ground/ground'
import type { Chore } from './housekeeping.ts'
import type { Rooms } from './rooms.ts'

const MINUTE = 60_000

/** What has to be done now and then for the rooms. */
export function chores(_ground: Ground, { oauth, instances }: Rooms): Chore[] {
  return [
    { name: 'clients and codes nobody came back for', everyMs: 5 * MINUTE, work: () => oauth.housekeeping() },
    { name: 'instances half destroyed', everyMs: 10 * MINUTE, work: () => instances.finishDestroying() },
  ]
}
