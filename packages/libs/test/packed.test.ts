import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { createLocalStack } from '@konnectory/standalone'
import { packAll } from '../../../scripts/pack.ts'

const ROOT = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

/** A Node 20 on PATH, which is what authors have; else the one that runs this. */
function authorsNode(): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin']
  const candidates = folders.map(folder => join(folder, 'node')).filter(existsSync)
  const isTwenty = (node: string) => spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.startsWith('v20.')
  return candidates.find(isTwenty) ?? process.execPath
}

/** What an author of TypeScript has of his own. */
const AUTHORS_OWN = ['@types/node', 'undici-types']

const DEEP = {
  libs: [
    ['BaseKonnector', 'CookieKonnector', 'addData', 'categorization', 'cozyclient', 'document', 'error', 'html2pdf'],
    ['hydrateAndFilter', 'linkBankOperations', 'log', 'manifest', 'mkdirp', 'normalizeFilename', 'request'],
    ['request/request', 'saveBills', 'saveFiles', 'saveIdentity', 'scrape', 'signin', 'solveCaptcha'],
    ['updateOrCreate', 'utils'],
  ].flat(),
  helpers: ['errors', 'sentry', 'cozy-domain', 'cozy-client-js-stub'],
}

describe('the package as it is published', () => {
  const place = mkdtempSync(join(tmpdir(), 'libs-packed-'))
  const modules = join(place, 'node_modules')
  const node = authorsNode()
  const evaluate = async (source: string, ...flags: string[]) =>
    (await run(node, [...flags, '-e', source], { cwd: place, env: { PATH: process.env.PATH } })).stdout

  before(async () => {
    const tarballs = await packAll(join(place, 'packs'))
    // Third parties as they are installed here, those for development left out; our packages from their tarballs.
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
    for (const [path, { dev, link }] of Object.entries<{ dev?: boolean; link?: boolean }>(lock.packages)) {
      const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1]
      if (!name || link || (dev && !AUTHORS_OWN.includes(name)) || !existsSync(join(ROOT, path))) continue
      mkdirSync(dirname(join(modules, name)), { recursive: true })
      symlinkSync(join(ROOT, path), join(modules, name))
    }
    mkdirSync(join(modules, '@konnectory'))
    for (const [name, tarball] of Object.entries(tarballs)) {
      if (!name.startsWith('@konnectory/')) continue
      mkdirSync(join(modules, name))
      await run('tar', ['xzf', tarball, '-C', join(modules, name), '--strip-components=1'])
    }
  })
  after(() => rmSync(place, { recursive: true, force: true }))

  it('is required and imported, whole, by name and in depth', async context => {
    context.diagnostic(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim())
    const required = await evaluate(`const libs = require('@konnectory/libs')
      console.log(JSON.stringify([Object.keys(libs).length, Object.values(libs).every(Boolean), typeof libs.saveBills]))`)
    assert.deepEqual(JSON.parse(required), [30, true, 'function'])
    const imported = await evaluate(
      `import libs, { BaseKonnector, cozyClient, errors } from '@konnectory/libs'
       import { useCaptchaSolver } from '@konnectory/libs/captcha'
       import { phantomModules } from '@konnectory/libs/phantom'
       import { createRequire } from 'node:module'
       const require = createRequire(process.cwd() + '/x.js')
       for (const { from, target } of Object.values(phantomModules)) if (from === 'file') require(target)
       useCaptchaSolver(async () => ({ text: 'by hand' }))
       if ((await require('@konnectory/libs').solveCaptcha({ type: 'image', body: '' })) !== 'by hand') throw new Error('captcha')
       console.log(JSON.stringify([Object.keys(libs).length, typeof BaseKonnector, typeof cozyClient.data.find, errors.LOGIN_FAILED,
         require('@konnectory/libs').saveBills === libs.saveBills]))`,
      '--input-type=module',
    )
    assert.deepEqual(JSON.parse(imported), [30, 'function', 'function', 'LOGIN_FAILED', true])
    const deep = Object.entries(DEEP).flatMap(([kind, names]) =>
      [`dist/${kind}`, `src/${kind}`, kind].flatMap(folder => names.map(name => `${folder}/${name}`)),
    )
    const failed = await evaluate(`const failed = []
      for (const path of ${JSON.stringify(deep)}) for (const end of ['', '.js']) {
        try { require('@konnectory/libs/' + path + end) } catch (error) { failed.push(path + end + ': ' + error.message) }
      }
      console.log(failed.join('\\n'))`)
    assert.equal(failed.trim(), '')
  })

  it('runs a konnector for a stack', async () => {
    const stack = createLocalStack({
      root: join(place, 'data'),
      slug: 'acme',
      account: { id: 'a', auth: { login: 'me' } },
    })
    const listening = await stack.listen()
    try {
      writeFileSync(
        join(place, 'konnector.js'),
        `const { BaseKonnector, scrape, requestFactory } = require('@konnectory/libs')
         const request = requestFactory({ cheerio: true })
         module.exports = new BaseKonnector(async function (fields) {
           const $ = (await import('cheerio')).load('<p><b>12</b></p>')
           const [{ amount }] = scrape($, { amount: { sel: 'b', parse: Number } }, 'p')
           const refused = await request('http://127.0.0.1:1/').catch(error => error.cause.code)
           if (refused !== 'ECONNREFUSED') throw new Error(refused)
           const bill = { vendor: 'V', date: new Date(), amount, filename: 'a.pdf', filestream: Buffer.from('%PDF-1.4') }
           await this.saveBills([bill], fields, { linkBankOperations: false })
         })`,
      )
      const env = {
        PATH: process.env.PATH,
        COZY_URL: listening.url,
        COZY_CREDENTIALS: listening.token,
        COZY_FIELDS: JSON.stringify({ account: 'a', folder_to_save: 'io.cozy.files.root-dir' }),
      }
      const { stdout } = await run(node, ['konnector.js'], { cwd: place, env, timeout: 30_000 })
      assert.match(stdout, /The connector has been run/)
      const bills = await stack.fetch('http://x/data/io.cozy.bills/_all_docs?include_docs=true')
      const { rows } = (await bills.json()) as { rows: { doc: { amount?: number; invoice?: string } }[] }
      const saved = rows.map(({ doc }) => doc).filter(({ invoice }) => invoice)
      assert.deepEqual(
        saved.map(({ amount }) => amount),
        [12],
      )
    } finally {
      await listening.close()
    }
  })

  it('has types for both module systems, in which nothing is left out', async () => {
    const author = join(place, 'author')
    mkdirSync(author)
    const work = (base: string) => `
      export const done = new ${base}(async function (fields) {
        const code: string = await this.waitForTwoFaCode({ type: 'sms' })
        const full = await requestFactory({ json: true })<FullResponse<{ ok: boolean }>>('https://v/', { resolveWithFullResponse: true })
        const ok: boolean = full.body.ok
        await this.saveBills([{ vendor: code, date: new Date(), amount: 1 }], fields, { linkBankOperations: ok })
        // @ts-expect-error no such option
        await this.waitForTwoFaCode({ until: 1 })
      })`
    writeFileSync(
      join(author, 'module.mts'),
      `import { BaseKonnector, requestFactory, type FullResponse } from '@konnectory/libs'${work('BaseKonnector')}`,
    )
    writeFileSync(
      join(author, 'common.cts'),
      `import libs = require('@konnectory/libs')
       import Deep = require('@konnectory/libs/dist/libs/BaseKonnector')
       import errors = require('@konnectory/libs/dist/helpers/errors')
       const { requestFactory } = libs
       type FullResponse<B> = libs.FullResponse<B>
       export const failed: 'LOGIN_FAILED' = errors.LOGIN_FAILED${work('Deep')}`,
    )
    const compilerOptions = {
      module: 'node16',
      target: 'es2022',
      strict: true,
      noEmit: true,
      // Our own declarations are looked at too.
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(modules, '@types')],
    }
    writeFileSync(join(author, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts', '*.cts'] }))
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { stdout } = await run(process.execPath, [tsc, '-p', author]).catch(error => error)
    assert.equal(stdout, '')
  })
})
