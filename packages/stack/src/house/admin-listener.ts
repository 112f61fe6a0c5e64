import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '#ground/clock'
import { createServer, HttpError, type Listener } from '#ground/http/index'
import type { Route } from '#ground/http/route'
import type { Log } from '#ground/log'

/** File in the data directory that lets the commands on this machine find the administration: `{url, secret}`. */
export const ADMIN_FILE = 'admin.json'

export interface AdminListenerOptions {
  listener: Listener
  routes: Route[]
  log: Log
  clock: Clock
}

/**
 * Serves the administration's routes to who knows the secret of this start (HTTP Basic, any user; `protocol/conventions.md`
 * §2). Its listener is bound to the loopback address.
 */
export async function serveAdministration({ listener, routes, log, clock }: AdminListenerOptions) {
  const secret = randomBytes(32).toString('base64url')
  log.hide(secret)
  const app = await createServer({
    listener,
    routes,
    log,
    clock,
    secure: false,
    guard: ({ authorization }) => {
      if (!knows(authorization, secret))
        throw new HttpError(401, 'The administration needs its secret', {
          'www-authenticate': 'Basic realm="administration"',
        })
    },
    gate: {
      tenantOf: async () => ({ tenant: NOBODY, blocked: undefined }),
      tokenOf: () => undefined,
      authenticate: async () => Promise.reject(new HttpError(401, 'No token in request')),
      registering: async () => undefined,
      sessionOf: async () => undefined,
    },
  })
  return { app, url: `http://127.0.0.1:${listener.port}/`, secret }
}

/** Routes of the administration name the instance they are about; the request itself has none. */
const NOBODY = { id: '00000000-0000-0000-0000-000000000000', domain: '', url: '', locale: 'en' }

function knows(authorization: string | undefined, secret: string): boolean {
  const [, credentials = ''] = /^Basic +(\S+)$/i.exec(authorization ?? '') ?? []
  const text = Buffer.from(credentials, 'base64').toString('utf8')
  const digest = (value: string) => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(text.slice(text.indexOf(':') + 1)), digest(secret))
}

/** Writes the file for the commands, readable by the server's user only. */
export async function writeAdminFile(dataDirectory: string, content: { url: string; secret: string }): Promise<void> {
  const file = join(dataDirectory, ADMIN_FILE)
  const handle = await open(`${file}.new`, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(content)}\n`)
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
