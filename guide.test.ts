/** Follows docs/guide/write-a-konnector.md: its commands, its changes and what it says that one sees. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeTemplate } from './packages/cli/src/create/template.ts'
import { startDemoVendor } from './packages/testkit/src/demo-vendor/index.ts'
import { typeCodes } from './scripts/type-codes.ts'

const ROOT = import.meta.dirname
const CLI = join(ROOT, 'packages/cli/src/bin.ts')

const guide = await readFile(join(ROOT, 'docs/guide/write-a-konnector.md'), 'utf8')
const [code = '', contracts = ''] = [...guide.matchAll(/<!-- apply -->\n```diff\n([\s\S]*?)```/g)].map(
  ([, diff]) => diff,
)
const [, graceFields = ''] = /```jsonc\n([\s\S]*?)```/.exec(guide) ?? []
const [, shellLines = ''] = /```js\n([\s\S]*?)```/.exec(guide) ?? []

/** Runs the command, which the guide must name, and types the codes that the vendor sends. */
async function konnectory(folder: string, named: string, input?: string): ReturnType<typeof typeCodes> {
  assert.ok(guide.includes(named), `the guide says ${named}`)
  const args = named.replace(/^(npm run|npm|npx konnectory) /, '').split(' ')
  const child = spawn(process.execPath, [CLI, ...args.filter(arg => arg !== '--')], { cwd: folder, timeout: 60_000 })
  if (input !== undefined) child.stdin.end(input)
  return typeCodes(child)
}

async function change(folder: string, diff: string): Promise<void> {
  await writeFile(join(folder, 'code.diff'), diff)
  execFileSync('git', ['apply', '--check', 'code.diff'], { cwd: folder })
  execFileSync('git', ['apply', 'code.diff'], { cwd: folder })
}

async function configure(folder: string, edit: (text: string) => string): Promise<void> {
  const file = join(folder, 'konnector-dev-config.json')
  const before = await readFile(file, 'utf8')
  const after = edit(before)
  assert.notEqual(after, before)
  await writeFile(file, after)
}

test('the guide, step by step', { timeout: 180_000 }, async t => {
  const folder = await mkdtemp(join(tmpdir(), 'guide-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeTemplate(folder, {
    slug: 'aquavolt',
    name: 'Aquavolt',
    vendorUrl: 'http://demo-vendor.test',
    language: 'typescript',
  })
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', dependencies: { '@konnectory/sdk': '*', cheerio: '*' } }),
  )
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))

  // 1. One that runs
  const first = await konnectory(folder, 'npm run standalone')
  assert.equal(first.code, 0, first.output)
  assert.match(first.output, /io\.cozy\.bills +29 new/)
  assert.match(
    (await konnectory(folder, 'npm run standalone')).output,
    /io\.cozy\.bills +0 new, 0 updated, 29 unchanged/,
  )
  const checks = await konnectory(folder, 'npm test')
  assert.match(checks.output, /# 8 passed, 0 failed, 0 skipped/)

  // 2. Somebody else's account
  await configure(folder, text =>
    text.replace(/ {2}"fields": \{[^}]*\},\n/, graceFields.replace(/ {2}"scrub".*\n/, '')),
  )
  await configure(folder, text => text.replace(/ {2}"scrub".*\n/, / {2}"scrub".*\n/.exec(graceFields)?.[0] ?? ''))
  const challenged = await konnectory(folder, 'npm run standalone -- --dir data/grace')
  assert.equal(challenged.code, 1)
  assert.match(challenged.output, /Ended with CHALLENGE_ASKED/)

  // 3. Look at the page by hand
  await using vendor = await startDemoVendor()
  const seen = await konnectory(
    folder,
    'npx konnectory shell',
    shellLines.replaceAll('127.0.0.1:8484', `127.0.0.1:${vendor.port}`),
  )
  assert.match(seen.output, /<form id="twofa-form"[\s\S]*name="_csrf"[\s\S]*name="code"[\s\S]*name="trust"/)

  // 4. The code
  await change(folder, code)
  const asked = await konnectory(folder, 'npm run standalone -- --dir data/grace')
  assert.equal(asked.code, 0, asked.output)
  assert.match(asked.output, /Enter the code sent by text message/)
  const kept = await konnectory(folder, 'npm run standalone -- --dir data/grace')
  assert.match(kept.output, /io\.cozy\.bills +0 new, 0 updated, 29 unchanged/)
  assert.doesNotMatch(kept.output, /Enter the code/)

  // 5. A folder for each contract
  await change(folder, contracts)
  const again = await konnectory(folder, 'npm run standalone -- --dir data/grace')
  assert.match(again.output, /io\.cozy\.files +0 new/)
  const data = await konnectory(folder, 'npm run standalone -- --dir data/contracts')
  assert.match(data.output, /io\.cozy\.files +29 new/)
  const folders = (await readdir(join(folder, 'data/contracts'), { withFileTypes: true })).filter(entry =>
    entry.isDirectory(),
  )
  assert.equal(folders.length, 3)

  // 6. Record, test, build
  const recorded = await konnectory(folder, 'npm run standalone -- --dir data/recorded --record')
  assert.equal(recorded.code, 0, recorded.output)
  await configure(folder, text => text.replace('hopper-1906', 'wrong'))
  const refused = await konnectory(folder, 'npm run standalone -- --dir data/wrong --record --as wrong-password')
  assert.match(refused.output, /Ended with LOGIN_FAILED/)
  await configure(folder, text => text.replace('"wrong"', '"hopper-1906"'))
  for (const name of ['standalone', 'wrong-password']) {
    const har = await readFile(join(folder, `fixtures/${name}.har`), 'utf8')
    assert.doesNotMatch(har, /hopper|grace@|93 rue des Lilas/i)
  }
  const tested = await konnectory(folder, 'npm test')
  assert.match(tested.output, /# 8 passed, 0 failed, 0 skipped/, tested.output)
  const built = await konnectory(folder, 'npm run build')
  assert.equal(built.code, 0, built.output)
})
