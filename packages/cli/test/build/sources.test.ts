import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { buildKonnector } from '../../src/build/build.ts'
import { konnectorFolder, runNode } from './konnector-folder.ts'

/** Builds, and runs the build as a server does: copied alone elsewhere, by `node <dir>`. */
async function buildAndRun(
  files: Record<string, string | object>,
  options: { sourcemap?: boolean; minify?: boolean } = {},
) {
  using folder = konnectorFolder(files)
  using elsewhere = konnectorFolder({})
  const report = await buildKonnector({ root: folder.root, ...options })
  await mkdir(elsewhere.path('run'))
  await cp(report.outdir, elsewhere.path('run'), { recursive: true })
  const run = await runNode([...(options.sourcemap ? ['--enable-source-maps'] : []), elsewhere.path('run')])
  const script = readFileSync(folder.path('build/index.js'), 'utf8')
  return { report, script, ...run, files: readdirSync(report.outdir) }
}

describe('build: source languages (build.md section 4)', () => {
  it('CommonJS, with what its modules export and JSON', async () => {
    const { stdout } = await buildAndRun({
      'src/index.js': `const { twice } = require('./twice'); const data = require('./data.json'); console.log(twice(data.n))`,
      'src/twice.js': 'exports.twice = n => n * 2',
      'src/data.json': '{"n": 21}',
    })
    assert.equal(stdout, '42\n')
  })

  it('ESM syntax in .js, and .mjs', async () => {
    const { stdout } = await buildAndRun({
      'src/index.js': `import { twice } from './twice.mjs'; import { sep } from 'node:path'; console.log(twice(21), sep)`,
      'src/twice.mjs': 'export const twice = n => n * 2',
    })
    assert.equal(stdout, '42 /\n')
  })

  it('import mixed with module.exports, which webpack broke at run time', async () => {
    const { stdout } = await buildAndRun({
      'src/index.js': `const { f } = require('./mixed'); console.log(f())`,
      'src/mixed.js': `import { sep } from 'path'; module.exports = { f: () => sep }`,
    })
    assert.equal(stdout, '/\n')
  })

  it('TypeScript: types, enums, imports with and without .ts, a typed entry before the script tsc left beside it', async () => {
    const { stdout } = await buildAndRun({
      'src/index.ts': `import { type Kind, Level } from './level.ts'; const k: Kind = 'a'; console.log(k, Level.High satisfies number)`,
      'src/index.js': `console.log('stale')`,
      'src/level.ts': `export type Kind = 'a' | 'b'\nexport enum Level { Low, High }`,
      'tsconfig.json': '{"compilerOptions": {"strict": true}}',
    })
    assert.equal(stdout, 'a 1\n')
  })

  it('package.json "type": "module", import.meta, modern syntax', async () => {
    const { stdout } = await buildAndRun({
      'package.json': { name: 'x', type: 'module' },
      'src/index.js': `
        import { existsSync } from 'node:fs'
        class A { #n = 1_000; static { A.ready = true } get n() { return this.#n } }
        let a; a ??= new A()
        console.log(a?.n, A.ready, existsSync(new URL('./manifest.konnector', import.meta.url)), import.meta.dirname === __dirname)`,
    })
    assert.equal(stdout, '1000 true true true\n')
  })

  it('top-level await, and an error after it ends the process as any other', async () => {
    const files = {
      'src/index.mjs': `const { sep } = await import('node:path'); import fs from 'fs'; console.log(sep, typeof fs.readFileSync); await null; throw new Error('late')`,
    }
    const { stdout, stderr, code, files: made } = await buildAndRun(files)
    assert.equal(stdout, '/ function\n')
    assert.match(stderr, /Error: late/)
    assert.equal(code, 1)
    assert.deepEqual(made, ['icon.svg', 'index.js', 'manifest.konnector'])
  })

  it('import() stays in the one file and is evaluated when asked for', async () => {
    const { stdout, files } = await buildAndRun({
      'src/index.js': `console.log('first'); import('./late.js').then(({ value }) => console.log(value))`,
      'src/late.js': `console.log('late'); export const value = 7`,
    })
    assert.equal(stdout, 'first\nlate\n7\n')
    assert.deepEqual(files, ['icon.svg', 'index.js', 'manifest.konnector'])
  })

  it('__dirname is that of the build: payload files lie there', async () => {
    const { stdout } = await buildAndRun({
      'src/index.js': `console.log(require('fs').existsSync(__dirname + '/manifest.konnector'), __filename.endsWith('/index.js'))`,
    })
    assert.equal(stdout, 'true true\n')
  })

  it('require.main === module holds in the entry, and only there', async () => {
    const { stdout } = await buildAndRun({
      'src/index.js': `require('./other'); if (require.main === module) console.log('main')`,
      'src/other.js': `console.log(require.main === module)`,
    })
    assert.equal(stdout, 'false\nmain\n')
  })

  it('a computed require fails when it runs, not when it is built; so does a missing one in try/catch', async () => {
    const { stdout, report } = await buildAndRun({
      'src/index.js': `
        try { require(process.env.NOTHING + './x') } catch (error) { console.log(error.code) }
        try { require('not-there') } catch (error) { console.log(error.code) }`,
    })
    assert.equal(stdout, 'MODULE_NOT_FOUND\nMODULE_NOT_FOUND\n')
    assert.deepEqual(report.warnings, [])
  })

  it('runs in place too, below a package.json that says "type": "module"', async () => {
    using folder = konnectorFolder({
      'package.json': { type: 'module' },
      'src/index.js': 'console.log(typeof require)',
    })
    const { files } = await buildKonnector({ root: folder.root })
    assert.deepEqual(await runNode([folder.path('build')]), { code: 0, stdout: 'function\n', stderr: '' })
    assert.ok(files.some(({ path }) => path === 'package.json'))
    assert.equal(JSON.parse(readFileSync(folder.path('build/package.json'), 'utf8')).version, '1.2.3')
  })

  it('exports of the entry are those of the script', async () => {
    using folder = konnectorFolder({ 'src/index.js': 'module.exports = { a: 1 }' })
    await buildKonnector({ root: folder.root })
    const { stdout } = await runNode(['-p', `require(${JSON.stringify(folder.path('build'))}).a`])
    assert.equal(stdout, '1\n')
  })

  it('names of functions and classes survive', async () => {
    const { stdout } = await buildAndRun({
      'src/index.js': `class StatusError extends Error {} ; const fetchBills = () => {}; console.log(StatusError.name, new StatusError().constructor.name, fetchBills.name)`,
    })
    assert.equal(stdout, 'StatusError StatusError fetchBills\n')
  })
})

describe('build: what a server needs (build.md section 2)', () => {
  it('the manifest is injected under the old name, untouched', async () => {
    const { stdout } = await buildAndRun({
      'src/index.js':
        'console.log(typeof __WEBPACK_PROVIDED_MANIFEST__, __WEBPACK_PROVIDED_MANIFEST__.version, Object.keys(__WEBPACK_PROVIDED_MANIFEST__).length)',
    })
    assert.equal(stdout, 'object 1.2.3 9\n')
  })

  it('the script of on_delete_account is a second entry', async () => {
    using folder = konnectorFolder({
      'manifest.konnector': { slug: 'a', version: '1.0.0', type: 'konnector', on_delete_account: 'onDeleteAccount.js' },
      'src/index.js': `console.log('run')`,
      'src/onDeleteAccount.js': `console.log(require('./shared'))`,
      'src/shared.js': `module.exports = 'deleted'`,
    })
    const report = await buildKonnector({ root: folder.root })
    assert.deepEqual(
      report.files.map(({ path }) => path),
      ['icon.svg', 'index.js', 'manifest.konnector', 'onDeleteAccount.js'],
    )
    assert.equal((await runNode([folder.path('build/onDeleteAccount.js')])).stdout, 'deleted\n')
    assert.equal((await runNode([folder.path('build')])).stdout, 'run\n')
  })

  it('a konnector of the SDK, which is only an object, is started; required, it is not', async () => {
    using folder = konnectorFolder({
      'manifest.konnector': { slug: 'a', version: '1.0.0', type: 'konnector' },
      'src/index.ts': `import { defineKonnector } from '@konnectory/sdk'
        export default defineKonnector({ async run({ log }) { log.info('hello from the run') } })`,
    })
    await buildKonnector({ root: folder.root })
    const env = { COZY_URL: 'http://127.0.0.1:9/', COZY_CREDENTIALS: 'x', COZY_FIELDS: '{}' }
    const started = await runNode([folder.path('build')], { env })
    assert.match(started.stdout, /hello from the run/)
    const required = await runNode(['-p', `require(${JSON.stringify(folder.path('build'))}).default.kind`], { env })
    assert.equal(required.stdout, 'konnectory.konnector\n')
  })

  it('a source map leads back to the author, line and column, through both passes', async () => {
    const { stderr, files } = await buildAndRun(
      {
        'src/index.ts': `import { fail } from './fail.ts'\n\ninterface A { a: string }\nfail({ a: 'x' } satisfies A)\n`,
        'src/fail.ts': `// why\nexport function fail(o: { a: string }): never {\n  throw new TypeError(o.a)\n}\n`,
      },
      { sourcemap: true },
    )
    assert.deepEqual(files, ['icon.svg', 'index.js', 'index.js.map', 'manifest.konnector'])
    assert.match(stderr, /src\/fail\.ts:3:9/)
    assert.match(stderr, /src\/index\.ts:4:1/)
  })

  it('same sources, same bytes, wherever they are; nothing of this machine inside', async () => {
    const files = {
      'src/index.js': `const { log, scrape } = require('cozy-konnector-libs'); const get = require('lodash/get'); module.exports = () => [log, scrape, get]`,
    }
    const [one, two] = [await buildAndRun(files), await buildAndRun(files)]
    assert.equal(one.script, two.script)
    using folder = konnectorFolder(files)
    await buildKonnector({ root: folder.root })
    const text = readFileSync(folder.path('build/index.js'), 'utf8')
    for (const place of [folder.root, process.cwd(), '../']) assert.ok(!text.includes(`"${place}`), place)
    assert.ok(!text.includes('node_modules/'))
  })

  it('no artefact after an error, not even the one of an earlier build', async () => {
    using folder = konnectorFolder({ 'src/index.js': 'console.log(1)' })
    await buildKonnector({ root: folder.root })
    assert.ok(existsSync(folder.path('build/index.js')))
    writeFileSync(folder.path('src/index.js'), 'console.log(')
    await assert.rejects(buildKonnector({ root: folder.root }), /src\/index\.js:1:13: Unexpected end of file/)
    assert.deepEqual(readdirSync(folder.root).sort(), ['assets', 'manifest.konnector', 'package.json', 'src'])
  })
})
