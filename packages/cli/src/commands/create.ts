import { relative } from 'node:path'
import type { Command } from 'commander'
import { type Created, CreateError, checkTarget, createKonnector, DEMO_URL } from '../create/create.ts'
import type { Language } from '../create/template.ts'
import { createAsker } from '../terminal/ask.ts'

interface Flags {
  typescript?: boolean
  name?: string
  vendorUrl?: string
  yes?: boolean
  json?: boolean
}

/** `konnectory create <slug>`: a konnector that runs at once (docs/reference/create.md). */
export function register(program: Command): void {
  program
    .command('create')
    .description('make a new konnector that runs at once, against a demo vendor')
    .argument('<slug>', 'name of the new folder, or a path to it: a-z, 0-9 and "-"')
    .option('--typescript', 'the TypeScript template, on @konnectory/sdk')
    .option('--name <name>', 'name of the vendor, as people read it')
    .option('--vendor-url <url>', 'site of the vendor, for the manifest')
    .option('-y, --yes', 'ask nothing')
    .option('--json', 'say what was made as one JSON object')
    .action(async (target: string, flags: Flags) => {
      process.exitCode = await runCreate(target, flags)
    })
}

/** The command itself; the exit code is 0, or 1 when nothing was created. */
export async function runCreate(target: string, flags: Flags, cwd = process.cwd()): Promise<number> {
  const language: Language = flags.typescript ? 'typescript' : 'javascript'
  try {
    const { name, vendorUrl } = await completeFlags(target, flags, cwd)
    const created = await createKonnector({ target, cwd, language, name, vendorUrl })
    if (flags.json) process.stdout.write(`${JSON.stringify({ ok: true, language, ...created })}\n`)
    else process.stdout.write(nextSteps(created, cwd))
    return 0
  } catch (error) {
    if (!(error instanceof CreateError)) throw error
    if (flags.json) process.stdout.write(`${JSON.stringify({ ok: false, error: error.message })}\n`)
    else process.stderr.write(`${error.message}\n`)
    return 1
  }
}

/** Asks for what was not given, when somebody is there to answer. */
async function completeFlags(
  target: string,
  flags: Flags,
  cwd: string,
): Promise<{ name?: string; vendorUrl?: string }> {
  const given = {
    ...(flags.name ? { name: flags.name } : {}),
    ...(flags.vendorUrl ? { vendorUrl: flags.vendorUrl } : {}),
  }
  if (flags.yes || flags.json || !process.stdin.isTTY || (flags.name && flags.vendorUrl)) return given
  const proposed = await checkTarget(target, cwd)
  const asker = createAsker(process.stdin, process.stdout)
  try {
    const name = flags.name ?? (await asker.ask(`Name of the vendor [${proposed.name}]: `))
    const vendorUrl = flags.vendorUrl ?? (await asker.ask(`Its site [${DEMO_URL}]: `))
    return { ...(name ? { name } : {}), ...(vendorUrl ? { vendorUrl } : {}) }
  } finally {
    asker.close()
  }
}

function nextSteps({ dir, slug, files }: Created, cwd: string): string {
  return `${slug} created: ${files.length} files.

  cd ${relative(cwd, dir) || '.'}
  yarn install          (or npm install)
  yarn standalone       runs it against a demo vendor, here, without a server
  yarn test             replays its recording
  yarn build            makes build/, what a server runs
`
}
