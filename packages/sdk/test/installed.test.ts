import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { slimPackage } from '../../../scripts/slim-package.ts'
import { startEnergyVendor } from './energy-vendor.ts'
import { startKonnector, startStack } from './konnector-process.ts'

const ROOT = join(import.meta.dirname, '../../..')
const PACKAGES = ['protocol', 'client', 'sdk']
/** Those that are installed: what they use of `protocol` is taken in. */
const INSTALLED = ['client', 'sdk']
/** What an author's disk is to hold for the SDK and all it stands on, code and types (issue 2, section 2). */
const SIZE_LIMIT = 150 * 1024

/** A Node 20 on PATH, which is what authors have; else the one that runs this. */
function authorsNode(): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const node = join(folder, 'node')
    const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
    if (stdout?.startsWith('v20.')) return node
  }
  return process.execPath
}

describe('client and sdk, as they are published', () => {
  const place = mkdtempSync(join(tmpdir(), 'konnectory-installed-'))
  const modules = join(place, 'node_modules/@konnectory')

  before(async () => {
    const config = join(place, 'tsconfig.json')
    const compilerOptions = {
      noEmit: false,
      noCheck: true,
      declaration: true,
      target: 'es2022',
      rootDir: ROOT,
      outDir: join(place, 'out'),
      typeRoots: [join(ROOT, 'node_modules/@types')],
    }
    const include = [...PACKAGES.map(name => `packages/${name}/src/**/*.ts`), 'packages/sdk/test/examples/**/*.ts']
    writeFileSync(
      config,
      JSON.stringify({
        extends: join(ROOT, 'tsconfig.json'),
        compilerOptions,
        include: include.map(path => join(ROOT, path)),
      }),
    )
    const tsc = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], {
      encoding: 'utf8',
    })
    assert.equal(tsc.status, 0, tsc.stdout + tsc.stderr)
    for (const name of PACKAGES) {
      const folder = join(modules, name)
      mkdirSync(folder, { recursive: true })
      cpSync(join(place, 'out/packages', name, 'src'), join(folder, 'dist'), { recursive: true })
      const manifest = readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8')
      writeFileSync(join(folder, 'package.json'), manifest.replaceAll(/"\.\/src\/([^"]+)\.ts"/g, '"./dist/$1.js"'))
    }
    // As scripts/pack.ts does.
    const inline = { '@konnectory/protocol': join(modules, 'protocol') }
    for (const name of INSTALLED) await slimPackage({ folder: join(modules, name), inline })
    rmSync(join(modules, 'protocol'), { recursive: true })
    cpSync(join(place, 'out/packages/sdk/test/examples'), join(place, 'build'), { recursive: true })
    cpSync(join(import.meta.dirname, 'examples/energy/manifest.konnector'), join(place, 'build/manifest.konnector'))
    writeFileSync(join(place, 'package.json'), '{"type":"module"}')
  })
  after(() => rmSync(place, { recursive: true }))

  test('weigh at most 150 KB', context => {
    const sizes = INSTALLED.map(name => sizeOf(join(modules, name)))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    context.diagnostic(
      INSTALLED.map((name, index) => `${name} ${((sizes[index] ?? 0) / 1024).toFixed(1)} KB`).join(', '),
    )
    assert.ok(total <= SIZE_LIMIT, `${(total / 1024).toFixed(1)} KB`)
  })

  test('need nothing else', () => {
    for (const name of INSTALLED) {
      const { dependencies = {} } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'))
      assert.deepEqual(
        Object.keys(dependencies).filter(dependency => !dependency.startsWith('@konnectory/')),
        [],
      )
    }
  })

  test('run the konnector of the guide on the Node that authors have', async context => {
    const node = authorsNode()
    context.diagnostic(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim())
    await using vendor = await startEnergyVendor()
    await using stack = await startStack({ email: 'ada@example.org', password: 'correct horse' })
    const env = { ...stack.env, COZY_PARAMETERS: JSON.stringify({ site: vendor.url }) }
    const start = join(place, 'build/start-energy.js')
    const end = await startKonnector(start, env, { node, cwd: join(place, 'build') }).ended
    assert.equal(end.code, 0, end.output)
    assert.equal((await stack.client.data.all('io.cozy.bills')).length, 3)
  })

  test('have declarations that hold together, and give an author the types of the fields', () => {
    const author = join(place, 'author')
    mkdirSync(author)
    writeFileSync(
      join(author, 'konnector.ts'),
      `import { defineKonnector, HttpError, KonnectorError, run, type Konnector } from '@konnectory/sdk'
       import { startIfMain } from '@konnectory/sdk/start'
       import { saveFiles, type SaveContext } from '@konnectory/sdk/save'
       const konnector = defineKonnector({
         fields: { login: { type: 'email' }, news: { type: 'checkbox' } },
         async run({ fields, http, save, errors, account }) {
           const login: string = fields.login
           const news: boolean = fields.news
           // @ts-expect-error a text is not a number
           const wrong: number = fields.login
           const page = await http.post('/x', { form: { login, news } }).json<{ id: string }>()
           await save.bills([{ vendor: 'v', date: new Date(), amount: 1, vendorRef: page.id }], { fileIdAttributes: ['vendorRef'] })
           await account.saveData({ wrong })
           throw errors.userActionNeeded('CHANGE_PASSWORD')
         },
       })
       export const all: Konnector[] = []
       export const code: string = new KonnectorError('VENDOR_DOWN').code
       export const context = (c: SaveContext) => saveFiles(c, [], {})
       export default konnector
       void [HttpError, run, startIfMain]
      `,
    )
    const compilerOptions = {
      ...{ strict: true, noEmit: true, module: 'nodenext', target: 'es2022', skipLibCheck: false },
      ...{ lib: ['es2022', 'dom', 'dom.iterable'], types: [], exactOptionalPropertyTypes: true },
    }
    writeFileSync(join(author, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    const tsc = spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', author], {
      encoding: 'utf8',
    })
    assert.equal(tsc.stdout, '')
    assert.equal(tsc.status, 0)
  })

  test('do nothing when they are imported', () => {
    const modules = ['@konnectory/sdk', '@konnectory/sdk/start', '@konnectory/sdk/save']
    const code = `// Reading the modules themselves is under way for a moment: requests, not handles.
      const resources = () => process.getActiveResourcesInfo().filter(name => !/Req/.test(name))
      const before = resources().length
      const env = process.env
      // Node itself looks for some of its own while it loads modules.
      process.env = new Proxy(env, {
        get(_, name) { if (!/^(NODE|WATCH)_/.test(name)) throw new Error('reads the environment: ' + String(name)) },
      })
      for (const name of ${JSON.stringify(modules)}) await import(name)
      process.env = env
      if (resources().length > before) throw new Error(resources().join())
      if (process.listenerCount('SIGTERM') + process.listenerCount('unhandledRejection') > 0) throw new Error('handlers')`
    const { status, stderr } = spawnSync(authorsNode(), ['--input-type=module', '-e', code], {
      cwd: place,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  })
})

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
