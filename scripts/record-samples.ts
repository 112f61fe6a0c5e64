// `node scripts/record-samples.ts`: records the sample konnectors against the demo vendor anew, into konnectors/*/fixtures.
// For when a sample, the vendor's pages or the format of recordings changed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const CLI = join(ROOT, 'packages', 'cli', 'src', 'bin.ts')
/** Two pages of the list; the whole history would only make the files bigger. */
const INVOICES = 12

interface Config {
  demoVendor: unknown
  fields: Record<string, string>
}

async function recordSample(slug: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `${slug}-`))
  try {
    await cp(join(ROOT, 'konnectors', slug), folder, { recursive: true, filter: path => !path.endsWith('fixtures') })
    const example = await readFile(join(folder, 'konnector-dev-config.example.json'), 'utf8')
    const config = { ...(JSON.parse(example) as Config), demoVendor: { invoices: INVOICES } }
    await run(folder, config, 'standalone', 0)
    if (config.fields.password !== undefined) {
      const fields = { ...config.fields, password: 'not-the-right-one' }
      await run(folder, { ...config, fields }, 'wrong-password', 1)
    }
    const target = join(ROOT, 'konnectors', slug, 'fixtures')
    await rm(target, { recursive: true, force: true })
    await cp(join(folder, 'fixtures'), target, { recursive: true })
    process.stdout.write(`${slug}: ${(await readdir(target)).join(', ')}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One recorded run; codes that the vendor sends are typed in. Throws when it ends otherwise than expected. */
async function run(folder: string, config: Config, name: string, expected: number): Promise<void> {
  await writeFile(join(folder, 'konnector-dev-config.json'), JSON.stringify(config))
  const args = [CLI, 'standalone', '--dir', join(folder, name), '--record', '--as', name]
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'pipe' })
  let output = ''
  let typed = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      output += part
      const asked = output.match(/Enter the code/g)?.length ?? 0
      if (asked === typed) return
      typed = asked
      child.stdin.write(`${[...output.matchAll(/votre code est (\d+)/g)].at(-1)?.[1]}\n`)
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== expected) throw new Error(`${name} of ${folder} ended with ${code}, not ${expected}:\n${output}`)
}

for (const slug of (await readdir(join(ROOT, 'konnectors'))).sort()) await recordSample(slug)
