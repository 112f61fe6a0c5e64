import { createClient, type StackClient, type StackFetch } from '@konnectory/client'
import { nodeFetch } from '@konnectory/client/node-fetch'
import { accountIdentifier, createAccountHandle, fetchAccount, findFolderPath } from './account.ts'
import { tokenSource } from './credentials.ts'
import type { Environment } from './environment.ts'
import { type FieldSpecs, readFields } from './fields.ts'
import { createHttp } from './http/http-client.ts'
import type { AnyKonnector, ManifestLike, RunContext } from './konnector.ts'
import { errors, KonnectorError } from './konnector-error.ts'
import type { Logger } from './logger.ts'
import { createProgress } from './progress.ts'
import { createSave } from './save-binding.ts'
import { createSession, type SessionEnd } from './session.ts'
import type { TimeLimit } from './time-limit.ts'
import { createTwoFactor } from './two-factor.ts'

export interface ContextSetup {
  konnector: AnyKonnector
  environment: Environment
  manifest: ManifestLike
  log: Logger
  limit: TimeLimit
  /** For the vendor; default the global one. */
  fetch?: typeof globalThis.fetch
  /** For the stack; default the global one. */
  stackFetch?: typeof globalThis.fetch
}

/** Reads the account and its folder, and puts together what a run is given. */
export async function createRunContext(setup: ContextSetup): Promise<{ context: RunContext; session: SessionEnd }> {
  const { konnector, environment, manifest, log, limit, fetch } = setup
  const client = stackClient(environment, log, setup.stackFetch)
  log.hide(environment.parameters?.secret)

  const document = await fetchAccount(client, environment.message, log)
  const folderPath = await findFolderPath(client, environment.message, document)
  const specs: FieldSpecs = { ...manifest.fields, ...konnector.fields }
  const { fields, missing } = readFields(specs, { ...document.auth, ...document.oauth })
  for (const part of [fields, document.data]) log.hideFields(part, specs)
  log.hide(document.twoFACode)
  // A deletion may have to do with what is left of an account.
  if (missing.length > 0 && !environment.message.account_deleted) {
    throw new KonnectorError('LOGIN_FAILED.NEEDS_SECRET', {
      detail: `the account has no value for: ${missing.join(', ')}`,
    })
  }

  const account = createAccountHandle(client, document, accountIdentifier(document, specs, fields))
  const http = createHttp({ ...konnector.http, signal: limit.signal, ...(fetch ? { fetch } : {}) })
  const session = createSession(account, http.jar, log)
  const progress = createProgress(log)
  const context: RunContext = {
    fields,
    http,
    save: createSave({ client, manifest, account, log, http, progress, folderPath, limit }),
    session,
    twoFactor: createTwoFactor({ account, log, signal: limit.signal, manual: environment.manual }),
    progress,
    log,
    signal: limit.signal,
    account,
    parameters: environment.parameters,
    manifest,
    payload: environment.payload,
    errors,
    folderPath,
    client,
    locale: environment.locale,
    job: { id: environment.jobId, triggerId: environment.triggerId, manual: environment.manual },
  }
  return { context, session }
}

function stackClient(environment: Environment, log: Logger, fetch: StackFetch = nodeFetch): StackClient {
  const token = tokenSource(environment.credentials, environment.url, { fetch, hide: secret => log.hide(secret) })
  return createClient({ url: environment.url, token, fetch })
}
