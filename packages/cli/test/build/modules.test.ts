import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { buildKonnector } from '../../src/build/build.ts'
import { konnectorFolder, runNode } from './konnector-folder.ts'

/** Builds without writing small, and runs it: prints what the konnector prints. */
async function run(files: Record<string, string | object>) {
  using folder = konnectorFolder(files)
  const report = await buildKonnector({ root: folder.root, minify: false })
  const { stdout, stderr } = await runNode([folder.path('build')])
  return { report, stdout, stderr, script: readFileSync(folder.path('build/index.js'), 'utf8') }
}

const failing = async (files: Record<string, string | object>) => {
  using folder = konnectorFolder(files)
  return await buildKonnector({ root: folder.root }).then(
    () => assert.fail('the build should fail'),
    (error: Error) => error.message,
  )
}

describe('build: the library', () => {
  it('cozy-konnector-libs is ours, by require and by named import, even when the upstream is installed', async () => {
    const { stdout, report } = await run({
      'package.json': { dependencies: { 'cozy-konnector-libs': '^5.12.0' } },
      'node_modules/cozy-konnector-libs/package.json': { name: 'cozy-konnector-libs', main: 'index.js' },
      'node_modules/cozy-konnector-libs/index.js': `throw new Error('upstream')`,
      'src/index.js': `const libs = require('cozy-konnector-libs'); const { scrape } = require('./esm'); console.log(Object.keys(libs).length, libs.scrape === scrape)`,
      'src/esm.js': `import { scrape } from 'cozy-konnector-libs'; export { scrape }`,
    })
    const ours = createRequire(import.meta.url)('@konnectory/libs')
    assert.equal(stdout, `${Object.keys(ours).length} true\n`)
    assert.deepEqual(report.warnings, [])
  })

  it('deep paths under dist, src and libs', async () => {
    const { stdout } = await run({
      'src/index.js': ['dist/libs/request', 'src/libs/BaseKonnector', 'libs/saveBills', 'dist/helpers/errors']
        .map(path => `console.log(typeof require('cozy-konnector-libs/${path}'))`)
        .join('\n'),
    })
    assert.equal(stdout, 'function\nfunction\nfunction\nobject\n')
  })

  it('a part of the library that does not exist fails with its name', async () => {
    const message = await failing({ 'src/index.js': `require('cozy-konnector-libs/dist/libs/nothing')` })
    assert.match(message, /src\/index\.js:1:9: cozy-konnector-libs\/dist\/libs\/nothing is not a part of the library/)
  })

  it('heavy modules are not evaluated before they are used, and once', async () => {
    const { stdout, script } = await run({
      'src/index.js': `
        const { requestFactory } = require('cozy-konnector-libs')
        const vm = require('node:vm'); const compile = vm.compileFunction; let times = 0
        vm.compileFunction = (...args) => { times++; return compile(...args) }
        console.log(times); require('bluebird'); require('tough-cookie'); requestFactory({ cheerio: true }); console.log(times)`,
    })
    assert.equal(stdout, '0\n1\n')
    assert.ok(!script.includes('undici'), 'cheerio is its browser edition')
    assert.ok(!/sshpk/.test(script), 'http-signature is left out')
  })

  it("Node's slow modules are loaded by the libraries when used, whatever the form of the import", async () => {
    const { stdout } = await run({
      'src/index.js': `require('cozy-konnector-libs'); console.log(process.moduleLoadList.includes('NativeModule crypto'))`,
    })
    assert.equal(stdout, 'false\n')
    const { stdout: used } = await run({
      'node_modules/@konnectory/client/package.json': {
        name: '@konnectory/client',
        type: 'module',
        exports: './index.js',
      },
      'node_modules/@konnectory/client/index.js': `
        import { createHash } from 'node:crypto'; import crypto from 'crypto'; import * as all from 'node:crypto'
        export const hash = () => [createHash, crypto.createHash, all.createHash].map(make => make('sha256').update('a').digest('hex').slice(0, 4)).join()`,
      'src/index.js': `const { hash } = require('@konnectory/client')
        console.log(process.moduleLoadList.includes('NativeModule crypto'), hash())`,
    })
    assert.equal(used, 'false ca97,ca97,ca97\n')
  })

  it('signed requests are there for who names the option', async () => {
    const { script } = await run({
      'src/index.js': `const { requestFactory } = require('cozy-konnector-libs'); module.exports = { httpSignature: requestFactory }`,
    })
    assert.match(script, /sshpk/)
  })
})

describe('build: modules konnectors do not declare (exports.md section 2)', () => {
  const names = [
    'cheerio',
    'request',
    'request-promise',
    'request-promise/errors',
    'bluebird',
    'tough-cookie',
    'lodash',
    'lodash/get',
  ]
  const more = [
    'moment',
    'moment/locale/fr',
    'date-fns',
    'date-fns/format',
    'cozy-logger',
    'cozy-flags/dist/flag',
    'request-debug',
  ]
  it('all resolve to ours when the konnector has none', async () => {
    const { stdout, stderr } = await run({
      'src/index.js': [...names, ...more]
        .map(name => `console.log(${JSON.stringify(name)}, typeof require(${JSON.stringify(name)}))`)
        .join('\n'),
    })
    assert.equal(stderr, '')
    const lines = stdout.trim().split('\n')
    assert.equal(lines.length, names.length + more.length)
    for (const line of lines) assert.match(line, / (function|object)$/)
  })

  it("bluebird is the libraries' own", async () => {
    const { stdout } = await run({
      'src/index.js': `console.log(require('cozy-konnector-libs').retry.StopError.name, require('bluebird').delay(1) instanceof require('bluebird'))`,
    })
    assert.equal(stdout, 'StopError true\n')
  })

  it("the konnector's copy comes first when it has one", async () => {
    const own = (name: string, value: string) => ({
      [`node_modules/${name}/package.json`]: { name, version: '9.9.9' },
      [`node_modules/${name}/index.js`]: `module.exports = '${value}'`,
    })
    const { stdout } = await run({
      'package.json': { dependencies: { cheerio: '^0.22.0', lodash: '^4' } },
      ...own('cheerio', 'my cheerio'),
      ...own('lodash', 'my lodash'),
      ...own('moment', 'hoisted moment'),
      ...own('request-promise', 'hoisted request-promise'),
      'src/index.js': `for (const one of [require('cheerio'), require('lodash'), require('moment'), require('request-promise')]) console.log(typeof one === 'string' ? one : typeof one)`,
    })
    // A hoisted request-promise is not the konnector's: its classes would not be those that our requests throw.
    assert.equal(stdout, 'my cheerio\nmy lodash\nhoisted moment\nfunction\n')
  })

  it('moment speaks the languages it is asked for, which its computed require hides from bundlers', async () => {
    const { stdout } = await run({
      'src/index.js': `const moment = require('moment'); moment.locale('fr'); console.log(moment(0).utc().format('MMMM'), moment('3 février 2020', 'D MMMM YYYY').month())`,
    })
    assert.equal(stdout, 'janvier 1\n')
  })
})

describe('build: parts of date-fns', () => {
  it('a few of its functions and languages do not bring all of them, and are the same', async () => {
    const { stdout, script } = await run({
      'src/index.js': `const {
          format,
          parse: read
        } = require('date-fns')
        let { fr, enGB } = require("date-fns/locale");
        console.log(format(read('3 février 2020', 'd MMMM yyyy', new Date(0), { locale: fr }), 'EEEE', { locale: enGB }))`,
    })
    assert.equal(stdout, 'Monday\n')
    assert.ok(script.length < 400_000, `${script.length} bytes`)
  })

  it('a name that has no module of its own, or other uses, bring it whole', async () => {
    const { stdout } = await run({
      'src/index.js': `const { format, nothingSuch } = require('date-fns')
        const all = require('date-fns'); const { name } = require('date-fns').format
        console.log(typeof format, typeof nothingSuch, Object.keys(all).length > 100, typeof name)`,
    })
    assert.equal(stdout, 'function undefined true string\n')
  })

  it("the konnector's own version 4 too, whose modules export an object", async () => {
    const { stdout } = await run({
      'package.json': { dependencies: { 'date-fns': '4.1.0' } },
      'node_modules/date-fns/package.json': { name: 'date-fns', version: '4.1.0', main: 'index.cjs' },
      'node_modules/date-fns/index.cjs': `throw new Error('whole')`,
      'node_modules/date-fns/format.js': `exports.format = () => 'four'; exports.formatDate = 1`,
      'src/index.js': `const { format } = require('date-fns'); console.log(format())`,
    })
    assert.equal(stdout, 'four\n')
  })
})

describe('build: modules that are not there', () => {
  it('optional ones of the libraries are a warning, only for who uses what needs them', async () => {
    const quiet = await run({ 'src/index.js': `require('cozy-konnector-libs')` })
    assert.deepEqual(quiet.report.warnings, [])
    const used = await run({
      'src/index.js': `const { htmlToPDF } = require('cozy-konnector-libs'); module.exports = htmlToPDF`,
    })
    assert.match(used.report.warnings.join(), /^pdfjs is not installed.*yarn add pdfjs/)
  })

  it('and are bundled when the konnector has them', async () => {
    const { stdout, report } = await run({
      'package.json': { dependencies: { pdfjs: '2' } },
      'node_modules/pdfjs/package.json': { name: 'pdfjs' },
      'node_modules/pdfjs/index.js': `module.exports = 'mine'`,
      'node_modules/pdfjs/font/Helvetica.json': '{"font": 1}',
      'src/index.js': `const { htmlToPDF } = require('cozy-konnector-libs'); console.log(require('pdfjs'), require('pdfjs/font/Helvetica').font, typeof htmlToPDF)`,
    })
    assert.equal(stdout, 'mine 1 function\n')
    assert.deepEqual(report.warnings, [])
  })

  it('declared or not makes two sentences; every missing one is named', async () => {
    const message = await failing({
      'package.json': { dependencies: { xlsx: '^1' } },
      'src/index.js': `require('xlsx/dist/core')\nrequire('@scope/left-pad/lib')\nrequire('./gone')`,
    })
    assert.match(
      message,
      /index\.js:1:9: The module xlsx\/dist\/core is declared in package\.json but not installed: run yarn install/,
    )
    assert.match(
      message,
      /index\.js:2:9: The module @scope\/left-pad\/lib is neither installed nor declared .* yarn add @scope\/left-pad /,
    )
    assert.match(message, /index\.js:3:9: The file \.\/gone does not exist\./)
  })

  it("a way out when upstream's packages cannot be installed: modules in .konnectory/", async () => {
    const files = {
      'package.json': { dependencies: { 'cozy-konnector-libs': '5.12.0', dayjs: '^1.10.4', two: '>=2 <4' } },
      'src/index.js': `console.log(require('dayjs'), require('two'), require('dayjs'))`,
    }
    const message = await failing(files)
    assert.match(
      message,
      /cozy-konnector-libs, which is not needed here: npm install --prefix \.konnectory dayjs@\^1\.10\.4 'two@>=2 <4'$/,
    )
    const { stdout } = await run({
      ...files,
      '.konnectory/node_modules/dayjs/index.js': `module.exports = 'days'`,
      '.konnectory/node_modules/two/index.js': `module.exports = 2`,
    })
    assert.equal(stdout, 'days 2 days\n')
  })

  it('a file no loader knows is told what to do with', async () => {
    const message = await failing({ 'src/index.js': `require('./page.html')`, 'src/page.html': '<p>' })
    assert.match(message, /src\/page\.html cannot be bundled.*assets\//)
  })
})
