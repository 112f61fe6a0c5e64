import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { BuildError, formatProblem } from './build/problem.ts'
import { register as registerBuild } from './commands/build.ts'
import { register as registerCreate } from './commands/create.ts'
import { register as registerDeploy } from './commands/deploy.ts'
import { register as registerInstances } from './commands/instances.ts'
import { registerLater } from './commands/later.ts'
import { register as registerServe } from './commands/serve.ts'
import { register as registerShell } from './commands/shell.ts'
import { register as registerStandalone } from './commands/standalone.ts'
import { register as registerTest } from './commands/test.ts'
import { EntryError } from './project/entry.ts'
import { formatDiagnostic, ManifestError } from './project/manifest.ts'
import { coloursFor } from './terminal/colours.ts'
import { explainFileError } from './terminal/file-error.ts'
import { type Terminal, UsageError } from './terminal/output.ts'

/** How a command tells its exit code: 0 unless it says otherwise. */
export interface CommandContext {
  terminal: Terminal
  exit(code: number): void
}

/** The old names of `sdk/cli.md` section 1, each one command of ours. */
export const ALIASES: Record<string, string> = {
  'cozy-konnector-standalone': 'standalone',
  'cozy-run-standalone': 'standalone',
  'cozy-konnector-shell': 'shell',
}

/** @returns the whole command line; nothing is read or opened before a command runs */
export function createProgram(context: CommandContext): Command {
  const { terminal } = context
  const program = new Command('konnectory')
    .description('Create, run, record, test and build konnectors.')
    .version(version(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError('Run konnectory --help to see what there is.')
    .exitOverride()
    .configureOutput({
      writeOut: text => void terminal.stdout.write(text),
      writeErr: text => void terminal.stderr.write(text),
      getOutHasColors: () => coloursFor(terminal.stdout, terminal.env).enabled,
      getErrHasColors: () => coloursFor(terminal.stderr, terminal.env).enabled,
    })
    .configureHelp({ styleTitle: title => coloursFor(terminal.stdout, terminal.env).bold(title) })

  program.commandsGroup('Start a konnector:')
  registerCreate(program)
  program.commandsGroup('Run and try:')
  registerStandalone(program, context)
  registerShell(program, context)
  program.commandsGroup('Check and ship:')
  registerTest(program, context)
  registerBuild(program)
  registerDeploy(program, context)
  program.commandsGroup('Run a server:')
  registerServe(program, context)
  registerInstances(program, context)
  program.commandsGroup('Help:')
  registerLater(program)
  program.addHelpText(
    'after',
    `
A first evening:
  konnectory create my-konnector     makes a folder that runs at once
  konnectory standalone              runs it without a server; files arrive in the folder
  konnectory standalone --record     keeps the exchanges with the vendor, without your secrets
  konnectory test                    replays them and checks the konnector
  konnectory build                   makes the one file that a server runs`,
  )
  return program
}

/**
 * @param args without node and script
 * @returns the exit code
 */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  let code: number | undefined
  const program = createProgram({
    terminal,
    exit: chosen => {
      code = chosen
    },
  })
  try {
    if (args.length === 0) {
      program.outputHelp()
      return 0
    }
    await program.parseAsync(args, { from: 'user' })
    return code ?? Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    terminal.stderr.write(
      `${coloursFor(terminal.stderr, terminal.env).red('ERROR')}: ${explain(error, terminal.env)}\n`,
    )
    return 1
  }
}

/** An error of use needs its sentence; anything else is ours, and its stack helps who asks for it. */
function explain(error: unknown, { DEBUG }: NodeJS.ProcessEnv): string {
  if (error instanceof BuildError) return error.problems.map(formatProblem).join('\n')
  if (error instanceof ManifestError) return [error.message, ...error.diagnostics.map(formatDiagnostic)].join('\n')
  if (error instanceof UsageError || error instanceof EntryError) return error.message
  if (!(error instanceof Error)) return String(error)
  // Files of the project that cannot be read (broken JSON, rights) name themselves well enough.
  if (error.name === 'JsonFileError' || error.name === 'DataFileError') return error.message
  const refused = explainFileError(error)
  if (refused) return refused
  if (DEBUG) return error.stack ?? error.message
  return `${error.message || error.name}\nThis was not foreseen: DEBUG=konnectory in the environment shows where it happened.`
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}

/** Runs as a process: the only place that reads `process`. */
export async function main(prefix: string[] = []): Promise<void> {
  // `konnectory --help | head` closes the pipe; that is no error.
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  })
  const { stdin, stdout, stderr, env } = process
  process.exitCode = await run([...prefix, ...process.argv.slice(2)], {
    stdin,
    stdout,
    stderr,
    env,
    cwd: process.cwd(),
  })
}
