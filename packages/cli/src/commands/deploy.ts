import { type Command, Option } from 'commander'
import type { DeployOptions, DeployReport } from '../deploy/deploy.ts'
import { createMask, type Mask } from '../deploy/mask.ts'
import type { CommandContext } from '../program.ts'
import { EntryError } from '../project/entry.ts'
import { type Terminal, UsageError } from '../terminal/output.ts'

interface Flags extends Omit<DeployOptions, 'directory' | 'branch'> {
  directory?: string
  branch?: string
  json?: boolean
  verbose?: boolean
}

/** `konnectory deploy`: the build in a branch of the repository, from where servers install it (docs/reference/deploy.md). */
export function register(program: Command, context: CommandContext): void {
  program
    .command('deploy')
    .description('push build/ to the branch "build" of the repository, for servers to install')
    .option('--directory <folder>', 'what to deploy (default: build)')
    .option('--branch <name>', 'the branch that gets it (default: DEPLOY_BRANCH, else build)')
    .addOption(
      new Option(
        '--repo <repository>',
        'an address, a remote, owner/name (default: DEPLOY_REPOSITORY, else package.json repository, else origin)',
      ),
    )
    .option('--message <text>', 'added to the message of the commit')
    .option('--allow-empty', 'make a commit even when nothing changed')
    .option('--stale-ok', 'deploy a build that is older than the sources')
    .option('--dry-run', 'say what would be deployed; push nothing')
    .option('--json', 'one JSON object on the standard output')
    .option('--verbose', 'show the commands of git, without credentials')
    .addOption(new Option('--ignore-removal', 'keep files of the branch that are not in the build').hideHelp())
    .addOption(new Option('--username <name>', 'who commits, when git knows nobody').hideHelp())
    .addOption(new Option('--email <address>', 'their address').hideHelp())
    .action(async (flags: Flags) => {
      context.exit(await runDeploy(flags, context.terminal))
    })
}

/** The command itself; the exit code is 0, or 1 when nothing was deployed. */
export async function runDeploy(flags: Flags, terminal: Terminal): Promise<number> {
  const { env, stdout, stderr } = terminal
  const mask = createMask(env)
  const options: DeployOptions = {
    ...flags,
    // Scripts pass empty values on: `--repo=$npm_package_repository_url` under npm.
    directory: flags.directory || 'build',
    branch: flags.branch || env.DEPLOY_BRANCH || 'build',
    repo: flags.repo || env.DEPLOY_REPOSITORY || undefined,
  }
  if (options.repo) mask.learn(options.repo)
  try {
    const { deploy } = await import('../deploy/deploy.ts')
    const trace = flags.verbose ? (line: string) => void stderr.write(`${line}\n`) : undefined
    const report = await deploy(options, terminal, mask, trace)
    stdout.write(flags.json ? `${JSON.stringify({ ok: true, ...report })}\n` : text(report, options, mask))
    return 0
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof EntryError)) throw error
    const message = mask.hide(error.message)
    if (!flags.json) throw new UsageError(message)
    stdout.write(`${JSON.stringify({ ok: false, error: message })}\n`)
    return 1
  }
}

function text(report: DeployReport, { directory }: DeployOptions, mask: Mask): string {
  const { slug, version, branch, repository, changes, pushed, changed, commit, parent, notes } = report
  const folder = `${directory.replace(/[\\/]+$/, '')}/`
  const what = `${slug} ${version}: ${folder}`
  const where = `the branch ${branch} of ${repository}`
  const lines = notes.map(note => (/^(error|warning) /.test(note) ? note : `note: ${note}`))
  if (pushed) {
    lines.push(`${what} is in ${where}, commit ${commit?.slice(0, 7)}${parent ? '' : ', the first one'}.`)
    lines.push(...changes.map(change => `  ${change}`))
  } else if (!changed)
    lines.push(`No changes to files in ${folder} since the last deploy to ${where}. Nothing to push.`)
  else lines.push(`${what} would go to ${where}:`, ...changes.map(change => `  ${change}`), 'Nothing was pushed.')
  return `${mask.hide(lines.join('\n'))}\n`
}
