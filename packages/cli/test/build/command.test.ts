import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { konnectorFolder, runNode } from './konnector-folder.ts'

const BUILD = new URL('../../src/commands/build.ts', import.meta.url).href

/** The command alone, as a process. */
function script(file: string | undefined, flags: object): string[] {
  const code = `import { runBuild } from ${JSON.stringify(BUILD)}
    process.exitCode = await runBuild(${JSON.stringify(file)}, ${JSON.stringify(flags)})`
  return ['--input-type=module', '-e', code]
}

const build = (root: string, flags: object = {}, file?: string) => runNode(script(file, flags), { cwd: root })

describe('konnectory build', () => {
  it('says what it made: files, sizes, time; exit code 0', async () => {
    using folder = konnectorFolder({ 'src/index.js': 'console.log(1)', 'webpack.config.js': 'module.exports = {}' })
    const { code, stdout, stderr } = await build(folder.root)
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^note: webpack\.config\.js is not read/)
    assert.match(stdout, /aquavolt 1\.2\.3 built in \d+ ms:/)
    assert.match(stdout, /build\/index\.js +[\d.]+ k?B\n/)
    assert.match(stdout, /inside: your code/)
  })

  it('--analyze lists the packages; a file and a folder can be named', async () => {
    using folder = konnectorFolder({ 'lib/go.js': `require('lodash/get')` })
    const { code, stdout } = await build(folder.root, { analyze: true, outdir: 'out' }, 'lib/go.js')
    assert.equal(code, 0)
    assert.match(stdout, /inside:\n +lodash +[\d.]+ kB\n/)
    assert.ok(existsSync(folder.path('out/index.js')))
  })

  it('fails with its reasons on stderr, nothing on stdout, exit code 1', async () => {
    using folder = konnectorFolder({ 'src/index.js': `require('left-pad')` })
    const { code, stdout, stderr } = await build(folder.root)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^Build failed, nothing was written:\n {2}src\/index\.js:1:9: The module left-pad/)
  })

  it('--json is one object, good or bad', async () => {
    using folder = konnectorFolder({ 'src/index.js': 'console.log(1)' })
    const good = JSON.parse((await build(folder.root, { json: true })).stdout)
    assert.deepEqual([good.ok, good.slug, good.warnings], [true, 'aquavolt', []])
    assert.equal(good.bytes, readFileSync(folder.path('build/index.js')).length)
    writeFileSync(folder.path('src/index.js'), '(')
    const { code, stdout } = await build(folder.root, { json: true })
    assert.equal(code, 1)
    assert.deepEqual(JSON.parse(stdout).errors, [
      { text: 'Unexpected end of file', file: 'src/index.js', line: 1, column: 2 },
    ])
  })

  it('--watch builds at each change, says so in one line, survives an error, ends on SIGINT', async () => {
    using folder = konnectorFolder({
      'src/index.js': `console.log(require('./text'))`,
      'src/text.js': `module.exports = 'one'`,
    })
    const child: ChildProcess = spawn(process.execPath, script(undefined, { watch: true }), {
      cwd: folder.root,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
    })
    const lines: AsyncIterator<string> = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    const errors: AsyncIterator<string> = createInterface({ input: child.stderr! })[Symbol.asyncIterator]()
    const output = async () => (await runNode([folder.path('build')])).stdout
    assert.match((await lines.next()).value, /^\d\d:\d\d:\d\d built build\/index\.js/)
    assert.equal(await output(), 'one\n')

    writeFileSync(folder.path('src/text.js'), `module.exports = 'two'`)
    assert.match((await lines.next()).value, /built/)
    assert.equal(await output(), 'two\n')

    writeFileSync(folder.path('src/text.js'), `module.exports = '`)
    assert.match((await errors.next()).value, /failed: src\/text\.js:1:/)
    assert.ok(!existsSync(folder.path('build')))

    writeFileSync(folder.path('src/text.js'), `module.exports = 'three'`)
    assert.match((await lines.next()).value, /built/)
    writeFileSync(
      folder.path('manifest.konnector'),
      readFileSync(folder.path('manifest.konnector'), 'utf8').replace('1.2.3', '1.2.4'),
    )
    assert.match((await lines.next()).value, /built/)
    assert.match(readFileSync(folder.path('build/index.js'), 'utf8'), /1\.2\.4/)

    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
  })

  it('a konnector that does nothing starts lazily: heavy modules of the libraries are text in its script', async () => {
    using folder = konnectorFolder({
      'src/index.js': `const { BaseKonnector, requestFactory, signin } = require('cozy-konnector-libs')
        requestFactory({ cheerio: true, jar: true })
        module.exports = new BaseKonnector(async () => { console.log(process.memoryUsage().heapUsed > 0) })`,
    })
    assert.equal((await build(folder.root)).code, 0)
    const env = { COZY_URL: 'http://127.0.0.1:9/', COZY_CREDENTIALS: 'x', COZY_FIELDS: '{}' }
    const floor = cost(['-e', '0'])
    const noop = cost([folder.path('build')], env)
    // The bench holds 2.5 and 1.6 on a quiet machine; here, on a busy one, only a regression of kind must show.
    assert.ok(noop.cpu < floor.cpu * 4, `CPU ${noop.cpu} ms against ${floor.cpu}`)
    assert.ok(noop.memory < floor.memory * 1.6, `memory ${noop.memory} kB against ${floor.memory}`)
    assert.ok(readFileSync(folder.path('build/index.js')).length < 1_500_000)
  })
})

/** Least CPU (ms) and memory (kB) of a few runs, measured from inside by a preload. */
function cost(args: string[], env: Record<string, string> = {}): { cpu: number; memory: number } {
  const meter = fileURLToPath(new URL('./meter.cjs', import.meta.url))
  const runs = Array.from({ length: 5 }, () => {
    const { stderr } = spawnSync(process.execPath, ['-r', meter, ...args], { env, encoding: 'utf8', timeout: 20_000 })
    return JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { cpu: number; memory: number }
  })
  return { cpu: Math.min(...runs.map(one => one.cpu)), memory: Math.min(...runs.map(one => one.memory)) }
}
