import { type Command, InvalidArgumentError } from 'commander'
import type { CommandContext } from '../program.ts'
import { type Terminal, UsageError } from '../terminal/output.ts'
import { type AdminClient, createAdminClient } from './client.ts'
import { type AdminFlags, findAdministration } from './find.ts'

export interface CommonFlags extends AdminFlags {
  json?: boolean
}

/** What every command has that talks to the administration. */
export const withCommonOptions = (command: Command): Command =>
  command
    .option('--json', 'one JSON object on the standard output')
    .option('--admin-url <url>', 'the administration of the server (default: as its data folder says)')
    .option('--admin-secret-file <file>', 'file with its secret (default: as its data folder says)')

export interface Work {
  client: AdminClient
  terminal: Terminal
  /** Prints for people, or as JSON when that was asked for. */
  tell(text: string, json: object): void
}

/** Runs a command: finds the server, shows an error as JSON when that was asked for. The exit code is 0 or 1. */
export async function administer(
  flags: CommonFlags,
  { terminal, exit }: CommandContext,
  work: (work: Work) => Promise<void>,
): Promise<void> {
  const print = (value: object) => terminal.stdout.write(`${JSON.stringify(value)}\n`)
  try {
    const client = createAdminClient(await findAdministration(flags, terminal))
    await work({
      client,
      terminal,
      tell: (text, json) => void (flags.json ? print({ ok: true, ...json }) : terminal.stdout.write(`${text}\n`)),
    })
  } catch (error) {
    if (!flags.json || !(error instanceof UsageError)) throw error
    print({ ok: false, error: error.message })
    exit(1)
  }
}

const UNITS: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 }

/** `20GB`, `500 MB`, `1000`: bytes. `none` stays, since commander makes an empty text of null. */
export function bytes(text: string): number | 'none' {
  if (text === 'none') return text
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)b?$/i.exec(text.trim()) ?? []
  const value = Math.round(Number(number) * (UNITS[unit.toLowerCase()] ?? Number.NaN))
  if (number === '' || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('It must be a number of bytes, as 20GB or 500000, or none.')
  return value
}
