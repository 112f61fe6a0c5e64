import { getStackClient } from '../stack-client.ts'
import { data } from './data.ts'
import { exchange, fetchJSON } from './exchange.ts'
import { files } from './files.ts'
import { jobs, settings } from './jobs-settings.ts'
import { CozyClient } from './new/client.ts'
import { type NodeResponse, nodeResponse } from './node-response.ts'

export { FetchError } from './fetch-error.ts'
export type { FileResource, JsonApiResource } from './json-api.ts'
export { models } from './models/index.ts'
export { CozyClient } from './new/client.ts'
export { Q, QueryDefinition } from './new/query-definition.ts'

/**
 * The `cozyClient` export: the old client (cozy-client-js), with cozy-client as `.new` (`sdk/exports.md` section 25).
 * Nothing is read from the environment and nothing is sent before the first call; there it fails, not at import, when
 * nothing says which stack to use. The same object in every mode: standalone differs by the stack behind it.
 */
export const cozyClient = {
  data,
  files,
  jobs,
  settings,
  fetchJSON,
  /** cozy-client. */
  new: new CozyClient(),
  /** Address of the stack, with its final slash. */
  get _url(): string {
    return `${getStackClient().url}/`
  },
  fullpath: async (path: string): Promise<string> => getStackClient().url + path,
  /** A raw exchange. @throws {FetchError} unless the answer is a success */
  fetch: async (method: string, path: string, body?: unknown): Promise<NodeResponse> =>
    nodeResponse(await exchange(method, path, body === undefined ? {} : { json: body })),
  isV2: async (): Promise<boolean> => false,
}

/** The old client's type. */
export type OldCozyClient = typeof cozyClient
