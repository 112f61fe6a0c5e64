import { pbkdf2 } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { createAsker } from '../terminal/ask.ts'
import { type Terminal, UsageError } from '../terminal/output.ts'

/** What clients do by default. */
export const ITERATIONS = 650_000

const derive = promisify(pbkdf2)

/** What is sent instead of a passphrase: PBKDF2 with SHA-256, then once more with the passphrase as salt, base64. */
export async function derivePassphrase(passphrase: string, salt: string, iterations: number): Promise<string> {
  const masterKey = await derive(passphrase, salt, iterations, 32, 'sha256')
  return (await derive(masterKey, passphrase, 1, 32, 'sha256')).toString('base64')
}

export interface SecretQuestion {
  /** `-` is the standard input. */
  file: string | undefined
  /** What is asked for, `Password`. */
  label: string
  /** Asks twice, as for one that is chosen. */
  twice?: boolean
  terminal: Terminal
}

/**
 * A secret from a file, the standard input, or typed without being shown; never from the command line, which others on the
 * machine see.
 * @returns undefined when no file was given and nobody is there to type
 */
export async function readSecret({ file, label, twice, terminal }: SecretQuestion): Promise<string | undefined> {
  if (file !== undefined) {
    const text = file === '-' ? await readAll(terminal.stdin) : await readFile(resolve(terminal.cwd, file), 'utf8')
    return nonEmpty(text.replace(/\r?\n$/, ''), label)
  }
  if (terminal.stdin.isTTY !== true) return undefined
  const asker = createAsker(terminal.stdin, terminal.stderr)
  try {
    const typed = nonEmpty((await asker.ask(`${label}: `, { hidden: true })) ?? '', label)
    if (twice && (await asker.ask('Once more: ', { hidden: true })) !== typed)
      throw new UsageError('The two are not the same. Nothing was changed.')
    return typed
  } finally {
    asker.close()
  }
}

function nonEmpty(secret: string, label: string): string {
  if (secret === '') throw new UsageError(`${label}: it must not be empty.`)
  return secret
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Buffer))
  return Buffer.concat(chunks).toString('utf8')
}
