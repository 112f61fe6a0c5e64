import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'
import type { ServeFlags } from '../server-admin/serve.ts'

/** `konnectory serve`: the server as a child process (docs/reference/serve.md). */
export function register(program: Command, context: CommandContext): void {
  program
    .command('serve')
    .description('start the server')
    .option('--data <folder>', 'where it keeps everything (default: KONNECTORY_DATA, else konnectory-data)')
    .option('--host <address>', 'address to listen on (default: KONNECTORY_HOST, else 127.0.0.1)')
    .option('--port <port>', 'port of instances (default: KONNECTORY_PORT, else 8080)')
    .option('--admin-port <port>', 'port of the administration (default: KONNECTORY_ADMIN_PORT, else 6060)')
    .option('--json', 'one JSON line on the standard output when it is ready')
    .addHelpText(
      'after',
      `
Needs @konnectory/stack, and Node 26 or later. Everything else is set by environment variables, which its documentation names.
Its log goes to the standard error, one JSON object per line. Signals are passed on; the exit code is the server's.`,
    )
    .action(async (flags: ServeFlags) => {
      const { serve } = await import('../server-admin/serve.ts')
      context.exit(await serve(flags, context.terminal))
    })
}
