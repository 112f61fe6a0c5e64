import { chmodSync, lchownSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { handsOver, type ServiceUser } from './service-user.ts'
import { DatabaseStartError } from './start-error.ts'

/**
 * Whom initdb runs as. It insists that its uid has a name ("could not look up effective user ID"), which the server itself
 * does not, and SERVICE_UID has none. Instead of adding a user to the system (the npm wrapper edits /etc/passwd), initdb
 * runs as somebody who has a name, by preference `nobody`, but with the service's group: the folder around is closed to
 * everybody else, other processes of that user included. What it made is then given to the service user.
 * @param passwd text of /etc/passwd
 * @returns the service user itself when nothing of this is needed
 * @throws DatabaseStartError `service_user` when nobody has a name but root
 */
export function initdbUser(user: ServiceUser, passwd: string = readFileSync('/etc/passwd', 'utf8')): ServiceUser {
  if (!handsOver(user)) return user
  const named = passwd
    .split('\n')
    .map(line => line.split(':'))
    .map(([name, , uid]) => ({ name, uid: Number.parseInt(uid ?? '', 10) }))
    .filter(({ uid }) => uid > 0)
  if (named.some(({ uid }) => uid === user.uid)) return user
  const standIn = named.find(({ name }) => name === 'nobody') ?? named[0]
  if (!standIn) {
    throw new DatabaseStartError(
      'service_user',
      'PostgreSQL sets a database up only as a user with a name, and /etc/passwd has none but root. ' +
        'Add one (`nobody` is enough), or set DATABASE_URL.',
    )
  }
  return { uid: standIn.uid, gid: user.gid }
}

/** Lets the group, so the stand-in, pass through a folder of the service user's while `work` runs. */
export async function passableToGroup<T>(folder: string, work: () => Promise<T>): Promise<T> {
  chmodSync(folder, 0o710)
  try {
    return await work()
  } finally {
    chmodSync(folder, 0o700)
  }
}

/** Gives a folder and all that is in it to a user. Follows no link. */
export function giveTree(path: string, user: ServiceUser): void {
  lchownSync(path, user.uid, user.gid)
  if (!lstatSync(path).isDirectory()) return
  for (const entry of readdirSync(path)) giveTree(join(path, entry), user)
}
