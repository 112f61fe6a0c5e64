import type { SaveContext } from '@konnectory/sdk/save'
import { createDownload, type DownloadOptions } from './download-entry.ts'
import { log } from './log.ts'
import { currentManifest } from './manifest.ts'
import { runDeadline } from './run-deadline.ts'
import { getStackClient } from './stack-client.ts'

/** The account a save is for; the methods of BaseKonnector fill it in. */
export interface AccountOptions {
  /** Id of the `io.cozy.accounts` document. */
  sourceAccount?: string | undefined
  /** Login, e-mail...: what the user calls the account. */
  sourceAccountIdentifier?: string | undefined
}

/** What the save functions of the sdk need, from the process: the stack, the manifest, the log, the time left. */
export function createSaveContext(
  options: (AccountOptions & DownloadOptions) | undefined,
  namespace: string,
): SaveContext {
  const identifier = options?.sourceAccountIdentifier
  return {
    client: getStackClient(),
    manifest: currentManifest(),
    accountId: options?.sourceAccount,
    // A customer number may come as a number; on the stack, where it is compared, it is text.
    accountIdentifier: identifier === undefined || identifier === null ? undefined : String(identifier),
    log: (level, message, label) => log(level, message, label, namespace),
    deadline: runDeadline(),
    download: createDownload(options ?? {}),
  }
}
