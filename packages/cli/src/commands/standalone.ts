import { type Command, InvalidArgumentError } from 'commander'
import type { CommandContext } from '../program.ts'
import type { StandaloneOptions } from '../standalone/standalone.ts'

export function register(program: Command, context: CommandContext): void {
  program
    .command('standalone [file]')
    .description('run the konnector without a server')
    .option('--json', 'print one JSON object per line')
    .option('-d, --dir <path>', 'where files and importedData.json go (default: here)')
    .option('--record', 'keep all HTTP of this run in fixtures/standalone.har, without secrets')
    .option('--replay', 'answer from that recording instead of the network')
    .option('--as <name>', 'name of the recording: fixtures/<name>.har')
    .option('--keep-files', 'with --record: keep downloaded files as they are')
    .option(
      '--host <name=address>',
      'reach a name at this address, e.g. vendor.test=127.0.0.1:8080 (repeatable)',
      collect,
      [],
    )
    .option('--time-limit <seconds>', 'end the konnector after this time, 0 for never (default: 300)', seconds)
    .addHelpText(
      'after',
      `
The file is by default package.json main, src/index.{ts,mts,js,mjs,cjs}, index.js or konnector.js.
The first run creates konnector-dev-config.json: fill in its fields, then run again.
REPLAY=record, replay or bloody (the real network) stands for the options.
Exit code: 0 the konnector succeeded, 1 it failed or could not start, 130 Ctrl-C.`,
    )
    .action(async (file: string | undefined, options: Omit<StandaloneOptions, 'file'>) => {
      const { standalone } = await import('../standalone/standalone.ts')
      context.exit(await standalone({ file, ...options }, context.terminal))
    })
}

function collect(value: string, previous: string[]): string[] {
  return [...previous, value]
}

function seconds(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('It must be a whole number of seconds.')
  return Number(value)
}
