import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'

export function register(program: Command, context: CommandContext): void {
  program
    .command('test [file]')
    .description('replay the recording and check the konnector, then run its own tests')
    .option('--json', 'print the results as one JSON object')
    .option('--as <name>', 'name of the recording: fixtures/<name>.har')
    .addHelpText(
      'after',
      `
Needs fixtures/standalone.har: make it with konnectory standalone --record.
Exit code: 0 when nothing failed (skipped checks say why), 1 otherwise.`,
    )
    .action(async (file: string | undefined, options: { json?: boolean; as?: string }) => {
      const { runTests } = await import('../battery/run-tests.ts')
      context.exit(await runTests({ file, ...options }, context.terminal))
    })
}
