import { createClient, type StackClient } from '@konnectory/client'
import { nodeFetch } from '@konnectory/client/node-fetch'
import { tokenSource } from '@konnectory/sdk/credentials'
import { handOverOrFail } from './hand-over.ts'
import { createLocalFetch } from './local-stack.ts'
import { registerSecret } from './secrets.ts'

/** Environment variables that decide which stack is used; a change of one of them gives another client. */
const DECIDING = ['COZY_URL', 'COZY_CREDENTIALS', 'COZY_FIELDS', 'NODE_ENV', 'KONNECTORY_RUN'] as const

let current: { key: string; client: StackClient } | undefined
let forced: StackClient | undefined

/** Any address will do: the in-process stack answers for every host. */
const LOCAL_URL = 'http://cozy.localhost'

/**
 * The stack this process works for, decided at first use and not at import:
 * - `NODE_ENV` `standalone` or `test`, not started by `konnectory standalone`: a small stack in this process, kept in files
 *   (`sdk/stub.md`), so that tests and `NODE_ENV=standalone node src/index.js` need no server;
 * - otherwise `COZY_URL` with `COZY_CREDENTIALS`, a token or the JSON `{oauthOptions, token}` of the dev command, whose
 *   access token is refreshed when it has expired.
 * @returns the same client as long as the environment is the same
 * @throws when the environment names no stack, with a message that says what to do; before that, when the konnector was
 *   started by hand in its project, hands over to `konnectory standalone` (hand-over.ts)
 */
export function getStackClient(): StackClient {
  if (forced) return forced
  const key = DECIDING.map(name => process.env[name] ?? '').join('\n')
  if (current?.key !== key) current = { key, client: connect() }
  return current.client
}

/** Makes `getStackClient` return this client; `undefined` goes back to the environment. For tests and tools. */
export function useStackClient(client: StackClient | undefined): void {
  forced = client
}

/** @returns whether the libraries bring their own stack in this process */
export function isLocal(): boolean {
  const { NODE_ENV, KONNECTORY_RUN } = process.env
  return (NODE_ENV === 'standalone' || NODE_ENV === 'test') && KONNECTORY_RUN !== 'standalone'
}

/** @returns whether `getStackClient` will find a stack */
export function hasStack(): boolean {
  const { COZY_URL, COZY_CREDENTIALS } = process.env
  return forced !== undefined || isLocal() || Boolean(COZY_URL && COZY_CREDENTIALS)
}

function connect(): StackClient {
  if (isLocal()) return createClient({ url: LOCAL_URL, fetch: createLocalFetch() })
  const { COZY_URL, COZY_CREDENTIALS } = process.env
  if (!COZY_URL || !COZY_CREDENTIALS) return handOverOrFail()
  const token = tokenSource(COZY_CREDENTIALS, COZY_URL, { hide: registerSecret })
  return createClient({ url: COZY_URL, token, fetch: nodeFetch })
}
