import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'

export function register(program: Command, context: CommandContext): void {
  program
    .command('shell [page]')
    .description('try requests and selectors by hand; an HTML file is loaded into $')
    .addHelpText(
      'after',
      `
All exports of the library are there, and: request, debug(true), response, $, openInBrowser($).
Promises are awaited. .exit or Ctrl-D to leave.`,
    )
    .action(async (page: string | undefined) => {
      const { shell } = await import('../shell/shell.ts')
      context.exit(await shell(page, context.terminal))
    })
}
