import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'
import { administer, type CommonFlags, withCommonOptions } from '../server-admin/options.ts'

interface TokenFlags extends CommonFlags {
  expire?: string
}

interface Wanted {
  domain: string
  audience: string
  subject?: string
  scopes?: string[]
}

/** Tokens for administrators and developers; each is printed alone on a line. */
export function registerTokens(instances: Command, context: CommandContext): void {
  const mint = async (flags: TokenFlags, { domain, audience, subject, scopes }: Wanted): Promise<void> => {
    await administer(flags, context, async ({ client, tell }) => {
      const query = {
        Domain: domain,
        Audience: audience,
        Subject: subject,
        Scope: scopes?.join(' '),
        Expire: flags.expire,
      }
      const token = (await client.text('instances/token', { method: 'POST', query })).trim()
      tell(token, { token })
    })
  }
  const expiring = (command: Command) =>
    withCommonOptions(command).option('--expire <duration>', 'when it dies, as 1h30m or 90s')

  expiring(instances.command('token-app <domain> <slug>'))
    .description('a token of an app, without a session')
    .action((domain: string, subject: string, flags: TokenFlags) => mint(flags, { domain, audience: 'app', subject }))
  withCommonOptions(instances.command('token-konnector <domain> <slug>'))
    .description('a token of a konnector')
    .action((domain: string, subject: string, flags: TokenFlags) => mint(flags, { domain, audience: 'konn', subject }))
  withCommonOptions(instances.command('token-cli <domain> <scopes...>'))
    .description('a token for what the scopes say, as io.cozy.files:GET; lives 30 minutes')
    .action((domain: string, scopes: string[], flags: TokenFlags) => mint(flags, { domain, audience: 'cli', scopes }))
  expiring(instances.command('token-oauth <domain> <client-id> <scopes...>'))
    .description('an access token of an OAuth client')
    .action((domain: string, subject: string, scopes: string[], flags: TokenFlags) =>
      mint(flags, { domain, audience: 'access-token', subject, scopes }),
    )
  withCommonOptions(instances.command('refresh-token-oauth <domain> <client-id> <scopes...>'))
    .description('a refresh token of an OAuth client')
    .action((domain: string, subject: string, scopes: string[], flags: TokenFlags) =>
      mint(flags, { domain, audience: 'refresh-token', subject, scopes }),
    )

  withCommonOptions(instances.command('client-oauth <domain> <redirect-uri> <client-name> <software-id>'))
    .description('register an OAuth client; prints its id, with --json also its secrets')
    .option('--allow-login-scope', 'it may ask for the scope login')
    .action(
      async (
        domain: string,
        redirectUri: string,
        clientName: string,
        softwareId: string,
        flags: CommonFlags & { allowLoginScope?: boolean },
      ) => {
        await administer(flags, context, async ({ client, terminal }) => {
          const made = await client.json<{ client_id: string }>('instances/oauth_client', {
            method: 'POST',
            query: {
              Domain: domain,
              RedirectURI: redirectUri,
              ClientName: clientName,
              SoftwareID: softwareId,
              AllowLoginScope: flags.allowLoginScope ? 'true' : undefined,
            },
          })
          // The registration itself, as tools of the ecosystem store it.
          terminal.stdout.write(`${flags.json ? JSON.stringify(made) : made.client_id}\n`)
        })
      },
    )
}
