import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const HEAVY = ['cheerio', '@cypress/request', 'bluebird', 'tough-cookie', 'parse5', 'undici', 'pdfjs', 'lodash']
const libs = fileURLToPath(new URL('../..', import.meta.url))

/** Packages that a script loads, in a process of its own: those in require.cache, and ES modules by a loader hook. */
function loadedBy(script: string): string[] {
  const watch = `
    const { registerHooks } = require('node:module')
    const seen = new Set()
    const note = file => { const m = /node_modules[\\\\/]((?:@[^\\\\/]+[\\\\/])?[^\\\\/]+)/.exec(file); if (m) seen.add(m[1]) }
    registerHooks({ load(url, context, next) { note(url); return next(url, context) } })
    ${script}
    for (const file of Object.keys(require.cache)) note(file)
    console.log(JSON.stringify([...seen]))`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', watch], {
    cwd: libs,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout.trim().split('\n').at(-1) as string)
}

const none = (loaded: string[]) =>
  assert.deepEqual(
    loaded.filter(name => HEAVY.includes(name)),
    [],
  )

test('requiring the libraries loads nothing heavy', () => {
  none(loadedBy(`require('@konnectory/libs')`))
  // Its members load one by one, at first access.
  none(loadedBy(`const libs = require('@konnectory/libs'); if (Object.values(libs).length < 30) process.exit(3)`))
})

test('nor do making factories and jars, and requiring the phantom modules', () => {
  none(
    loadedBy(`
      const requestFactory = require('./src/request/index.ts').default
      const request = requestFactory({ cheerio: true, jar: true, debug: 'simple' }).defaults({ json: true })
      request.jar()
      for (const name of ['cheerio', 'request', 'request-promise', 'request-promise-errors', 'request-debug', 'cozy-flags']) {
        require('./src/phantom/' + name + '.cjs')
      }
      require('./src/signin.ts'); require('./src/scrape.ts'); require('./src/retry.ts')
      require('./src/html-to-pdf.ts'); require('./src/solve-captcha.ts'); require('./src/cozy-browser.ts')`),
  )
})

test('the check sees what is loaded', () => {
  const loaded = loadedBy(
    `require('./src/phantom/cheerio.cjs').load('<b>x</b>'); require('./src/request/index.ts').createJar()._jar`,
  )
  assert.ok(loaded.includes('cheerio') && loaded.includes('tough-cookie'), loaded.join(' '))
})
