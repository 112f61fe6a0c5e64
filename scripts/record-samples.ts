// `node scripts/record-samples.ts [name…]`: records the sample konnectors and the templates of `konnectory create` against the demo
// vendor anew, into konnectors/*/fixtures and packages/cli/templates/*/fixtures.
// Names: demo-classic …, template-javascript, template-typescript; without any, all.
// For when a sample, a template, the vendor's pages or the format of recordings changed.
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Language, writeTemplate } from '../packages/cli/src/create/template.ts'
import { typeCodes } from './type-codes.ts'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const CLI = join(ROOT, 'packages', 'cli', 'src', 'bin.ts')
/** Two pages of the list; the whole history would only make the files bigger. */
const INVOICES = 12

const only = process.argv.slice(2)

const LANGUAGES: Language[] = ['javascript', 'typescript']

interface Config {
  demoVendor: unknown
  fields: Record<string, string>
  scrub?: string[]
}

async function recordSample(slug: string): Promise<void> {
  const source = join(ROOT, 'konnectors', slug)
  const example = await readFile(join(source, 'konnector-dev-config.example.json'), 'utf8')
  await record(slug, JSON.parse(example) as Config, join(source, 'fixtures'), folder =>
    cp(source, folder, { recursive: true, filter: path => !path.endsWith('fixtures') }),
  )
}

async function recordTemplate(language: Language): Promise<void> {
  const fields = { login: 'ada@example.org', password: 'lovelace-1843' }
  const target = join(ROOT, 'packages', 'cli', 'templates', language, 'fixtures')
  const scrub = ['Lovelace', '43 rue des Lilas']
  await record(`template-${language}`, { demoVendor: true, fields, scrub }, target, async folder => {
    await writeTemplate(folder, { slug: 'template', name: 'Template', vendorUrl: 'http://demo-vendor.test', language })
    // As if installed: what the templates import is what the command itself needs.
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  })
}

async function record(name: string, config: Config, target: string, fill: (folder: string) => Promise<void>) {
  if (only.length > 0 && !only.includes(name)) return
  const folder = await mkdtemp(join(tmpdir(), `${name}-`))
  try {
    await fill(folder)
    await rm(join(folder, 'fixtures'), { recursive: true, force: true })
    const small = { ...config, demoVendor: { invoices: INVOICES } }
    await run(folder, small, 'standalone', 0)
    if (config.fields.password !== undefined) {
      const fields = { ...config.fields, password: 'not-the-right-one' }
      await run(folder, { ...small, fields }, 'wrong-password', 1)
    }
    await rm(target, { recursive: true, force: true })
    await cp(join(folder, 'fixtures'), target, { recursive: true })
    process.stdout.write(`${name}: ${(await readdir(target)).join(', ')}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One recorded run; codes that the vendor sends are typed in. Throws when it ends otherwise than expected. */
async function run(folder: string, config: Config, name: string, expected: number): Promise<void> {
  await writeFile(join(folder, 'konnector-dev-config.json'), JSON.stringify(config))
  const args = [CLI, 'standalone', '--dir', join(folder, name), '--record', '--as', name]
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'pipe' })
  const { code, output } = await typeCodes(child)
  if (code !== expected) throw new Error(`${name} of ${folder} ended with ${code}, not ${expected}:\n${output}`)
}

for (const slug of (await readdir(join(ROOT, 'konnectors'))).sort()) await recordSample(slug)
for (const language of LANGUAGES) await recordTemplate(language)
