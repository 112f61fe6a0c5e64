import { type Terminal, UsageError } from '../terminal/output.ts'
import type { AdminClient } from './client.ts'
import { passphraseParams, pathOf } from './instances.ts'
import { derivePassphrase, ITERATIONS, readSecret } from './secrets.ts'

export interface PassphraseChoice {
  client: AdminClient
  terminal: Terminal
  domain: string
  /** `-` is the standard input; undefined asks. */
  file: string | undefined
  hint?: string
}

/** Sets the password of an instance: it is derived here, and the server never sees it. */
export async function setPassphrase({ client, terminal, domain, file, hint }: PassphraseChoice): Promise<void> {
  // Asked first: who types a password wants to know before that there is such an instance.
  const { salt } = await passphraseParams(client, domain)
  const passphrase = await readSecret({ file, label: `Password of ${domain}`, twice: true, terminal })
  if (passphrase === undefined)
    throw new UsageError('Nobody is there to type the password: give --passphrase-file, - for the standard input.')
  const body = { passphrase: await derivePassphrase(passphrase, salt, ITERATIONS), iterations: ITERATIONS, hint }
  await client.text(`${pathOf(domain)}/passphrase`, { method: 'PUT', body })
}
