import { type Command, Option } from 'commander'
import type { CommandContext } from '../program.ts'
import {
  addInstance,
  changeInstance,
  type InstanceResource,
  listInstances,
  pathOf,
  registerLink,
  showInstance,
} from '../server-admin/instances.ts'
import { administer, bytes, type CommonFlags, withCommonOptions } from '../server-admin/options.ts'
import { setPassphrase } from '../server-admin/set-passphrase.ts'
import { formatBytes } from '../terminal/amounts.ts'
import { createAsker } from '../terminal/ask.ts'
import { type Terminal, UsageError } from '../terminal/output.ts'
import { registerArchives } from './instances-archives.ts'
import { registerTokens } from './instances-tokens.ts'

interface Properties extends CommonFlags {
  locale?: string
  tz?: string
  email?: string
  publicName?: string
  contextName?: string
  quota?: number | 'none'
}

/** `konnectory instances`: the spaces of a server (docs/reference/instances.md). */
export function register(program: Command, context: CommandContext): void {
  const instances = program
    .command('instances')
    .description('make, show, change, move and destroy the instances of a server; mint tokens')
    .addHelpText(
      'after',
      `
The server is found by admin.json in its data folder (KONNECTORY_DATA, else ./konnectory-data), or by --admin-url and
--admin-secret-file (KONNECTORY_ADMIN_URL, KONNECTORY_ADMIN_SECRET_FILE). Secrets are never given on the command line:
they are typed, or come from a file; - is the standard input.
Exit code: 0 it was done, 1 it was not.`,
    )
  registerAdd(instances, context)
  registerShow(instances, context)
  registerChange(instances, context)
  registerDestroy(instances, context)
  registerTokens(instances, context)
  registerArchives(instances, context)
}

const withProperties = (command: Command): Command =>
  command
    .option('--locale <locale>', 'language, as en or fr')
    .option('--tz <zone>', 'time zone, as Europe/Paris')
    .option('--email <address>', 'of the person')
    .option('--public-name <name>', 'as others see it')
    .option('--context-name <name>', 'name of the configuration it belongs to')
    .addOption(new Option('--quota <bytes>', 'space for files, as 20GB; none for no limit').argParser(bytes))

const propertiesOf = ({ locale, tz, email, publicName, contextName }: Properties) =>
  defined({ locale, tz, email, publicName, context: contextName })

/** What was said; an option that was not given changes nothing. */
const defined = (properties: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined))

function registerAdd(instances: Command, context: CommandContext): void {
  withCommonOptions(withProperties(instances.command('add <domain>')))
    .description('make an instance; prints where its password is chosen')
    .option('--passphrase-file <file>', 'set its password at once, from a file; - is the standard input')
    .action(async (domain: string, flags: Properties & { passphraseFile?: string }) => {
      await administer(flags, context, async ({ client, terminal, tell }) => {
        const { quota } = flags
        const body = { domain, ...propertiesOf(flags), ...(typeof quota === 'number' && { quotaBytes: quota }) }
        const made = await addInstance(client, body)
        if (flags.passphraseFile !== undefined) {
          await setPassphrase({ client, terminal, domain: made.domain, file: flags.passphraseFile })
          const { register_token: _used, ...instance } = made
          tell(`${made.domain} is there: ${made.url}`, { instance: { ...instance, passphrase_defined: true } })
          return
        }
        const link = registerLink(made)
        tell(`${made.domain} is there. Choose its password at\n${link}`, { instance: made, register_link: link })
      })
    })
}

function registerShow(instances: Command, context: CommandContext): void {
  withCommonOptions(instances.command('ls').alias('list'))
    .description('list the instances')
    .action(async (flags: CommonFlags) => {
      await administer(flags, context, async ({ client, tell }) => {
        const found = await listInstances(client)
        tell(found.length === 0 ? 'No instances.' : table(found), { instances: found })
      })
    })
  withCommonOptions(instances.command('show <domain>'))
    .description('show an instance')
    .action(async (domain: string, flags: CommonFlags) => {
      await administer(flags, context, async ({ client, tell }) => {
        const instance = await showInstance(client, domain)
        tell(describe(instance), { instance })
      })
    })
}

function registerChange(instances: Command, context: CommandContext): void {
  withCommonOptions(withProperties(instances.command('modify <domain>')))
    .description('change an instance, block or move it')
    .option('--domain <domain>', 'move it there; requests to the old domain are sent on')
    .option('--blocked <reason>', 'block it: LOGIN_FAILED, PAYMENT_FAILED, UNKNOWN…; none opens it')
    .action(async (domain: string, flags: Properties & { domain?: string; blocked?: string }) => {
      await administer(flags, context, async ({ client, tell }) => {
        const { quota, blocked } = flags
        const opened = blocked === 'none' || blocked === 'false'
        const said = defined({
          domain: flags.domain,
          quotaBytes: quota === 'none' ? null : quota,
          blocked: opened ? null : blocked,
        })
        const body = { ...propertiesOf(flags), ...said }
        if (Object.keys(body).length === 0)
          throw new UsageError('Nothing to change: konnectory instances modify --help')
        const instance = await changeInstance(client, domain, body)
        tell(describe(instance), { instance })
      })
    })
  withCommonOptions(instances.command('set-passphrase <domain>'))
    .description('set the password of an instance; who is signed in is signed out')
    .option('--passphrase-file <file>', 'from a file instead of typing it; - is the standard input')
    .option('--hint <text>', 'a hint for the person')
    .action(async (domain: string, flags: CommonFlags & { passphraseFile?: string; hint?: string }) => {
      await administer(flags, context, async ({ client, terminal, tell }) => {
        const { passphraseFile: file, hint } = flags
        await setPassphrase({ client, terminal, domain, file, ...(hint !== undefined && { hint }) })
        tell(`The password of ${domain} is set. Who was signed in must sign in again.`, { domain })
      })
    })
}

function registerDestroy(instances: Command, context: CommandContext): void {
  withCommonOptions(instances.command('destroy <domain>').alias('rm'))
    .description('destroy an instance and everything in it')
    .option('--yes', 'do not ask')
    .action(async (domain: string, flags: CommonFlags & { yes?: boolean }) => {
      await administer(flags, context, async ({ client, terminal, tell }) => {
        const instance = await showInstance(client, domain)
        if (!flags.yes) await confirm(instance.domain, terminal)
        await client.text(pathOf(instance.domain), { method: 'DELETE' })
        tell(`${instance.domain} is destroyed.`, { domain: instance.domain })
      })
    })
}

async function confirm(domain: string, { stdin, stderr }: Terminal): Promise<void> {
  if (stdin.isTTY !== true)
    throw new UsageError(`Nobody is there to confirm it: --yes destroys ${domain} without asking.`)
  const asker = createAsker(stdin, stderr)
  try {
    const typed = await asker.ask(
      `This destroys ${domain} with all its documents and files. Type its domain to go on: `,
    )
    if (typed !== domain) throw new UsageError('That is not its domain. Nothing was destroyed.')
  } finally {
    asker.close()
  }
}

const stateOf = ({ blocked, passphrase_defined }: InstanceResource) =>
  blocked ?? (passphrase_defined ? 'ready' : 'no password yet')

function table(instances: InstanceResource[]): string {
  const width = Math.max(...instances.map(({ domain }) => domain.length))
  return instances.map(each => `${each.domain.padEnd(width)}  ${each.locale}  ${stateOf(each)}`).join('\n')
}

function describe(instance: InstanceResource): string {
  const { url, old_domain, locale, tz, context, email, public_name, quota_bytes, created_at } = instance
  const lines: [string, string | undefined][] = [
    ['url', url],
    ['moved from', old_domain],
    ['state', stateOf(instance)],
    ['name', public_name],
    ['email', email],
    ['locale', locale],
    ['time zone', tz],
    ['context', context],
    ['quota', quota_bytes === undefined ? 'none' : formatBytes(quota_bytes)],
    ['since', created_at],
  ]
  return lines.flatMap(([name, value]) => (value ? [`${name.padEnd(11)} ${value}`] : [])).join('\n')
}
