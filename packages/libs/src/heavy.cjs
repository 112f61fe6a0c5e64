'use strict'

// One lazy getter per heavy module. Everything in @konnectory/libs reaches these modules through here and nowhere
// else: `require` inside a function costs nothing at import, and esbuild wraps each required module so that a bundle
// evaluates it at the first call only. CPU to load, unbundled, Node 26 on a busy 2-core machine: cheerio 200 ms (its
// Node entry loads undici), @cypress/request 130 ms, bluebird 25 ms, tough-cookie 25 ms; a konnector that does nothing
// must start in 2.5 x `node -e 0`.
//
// For the bundler (packages/cli/src/build):
// - cheerio: alias `cheerio` to its browser build (`node_modules/cheerio/dist/browser/index.js`, ESM). Compared file by
//   file, the two entries export the same load/contains/merge from the same sources; the Node entry only adds
//   loadBuffer, stringStream, decodeStream and fromURL, which need undici and iconv-lite. We use `load` alone, the
//   parser (parse5) is the same, so the results are the same (test/phantom/cheerio.test.ts holds it). The package's
//   `exports` hide that file: alias to the absolute path, or give esbuild `conditions: ['browser']` for this package.
// - bluebird, tough-cookie, @cypress/request: no alias; `platform: 'node'`.
// - pdfjs, pdfjs-dist and zombie are the konnector's own dependencies: resolve them from the konnector's root; absent,
//   leave the `require` external (it is inside try/catch, which esbuild takes as "may be missing").
// - `fromKonnector` serves unbundled runs (jest, `node src/index.js`); in a bundle it finds nothing and says undefined.

/** True when `error` says that module `name` itself is not there; one that is there but broken is another error. */
function isMissing(error, name) {
  return error?.code === 'MODULE_NOT_FOUND' && String(error.message).includes(`'${name}'`)
}

/**
 * Second look for an optional module, from the konnector: the main script's folder, then the working directory.
 * @param name module specifier
 * @param firstError what `require(name)` threw here; rethrown unless it says that the module is absent
 * @returns the module, or undefined when the konnector has none
 */
function fromKonnector(name, firstError) {
  if (!isMissing(firstError, name)) throw firstError
  const { createRequire } = require('node:module')
  const { join, resolve } = require('node:path')
  for (const start of [process.argv[1], join(process.cwd(), 'package.json')]) {
    if (!start) continue
    try {
      return createRequire(resolve(start))(name)
    } catch (error) {
      if (!isMissing(error, name)) throw error
    }
  }
  return undefined
}

let urlParseSilenced = false

/**
 * @cypress/request uses url.parse. Node says so once per process on stderr, but only for code outside node_modules, so a
 * built konnector would print it at each run, and the server logs stderr as an error (build.md section 3). Node asks
 * `noDeprecation` at the first call alone: one call under it, and the flag is back as it was.
 */
function silenceUrlParse() {
  if (urlParseSilenced) return
  urlParseSilenced = true
  const before = process.noDeprecation
  process.noDeprecation = true
  try {
    require('node:url').parse('http://localhost/')
  } finally {
    process.noDeprecation = before
  }
}

exports.cheerio = () => require('cheerio')

exports.request = () => {
  silenceUrlParse()
  return require('@cypress/request')
}
exports.bluebird = () => require('bluebird')
exports.toughCookie = () => require('tough-cookie')

// Optional peers: undefined when the konnector has none. The requires are spelled out, each in the `try` of its own
// function, because that is the form in which a bundler sees them and does not complain about an absent one.

exports.pdfjs = () => {
  try {
    return require('pdfjs')
  } catch (error) {
    return fromKonnector('pdfjs', error)
  }
}

exports.pdfjsHelveticaOblique = () => {
  try {
    return require('pdfjs/font/Helvetica-Oblique')
  } catch (error) {
    return fromKonnector('pdfjs/font/Helvetica-Oblique', error)
  }
}

exports.pdfjsHelveticaBold = () => {
  try {
    return require('pdfjs/font/Helvetica-Bold')
  } catch (error) {
    return fromKonnector('pdfjs/font/Helvetica-Bold', error)
  }
}

exports.pdfjsDist = () => {
  try {
    return require('pdfjs-dist/legacy/build/pdf')
  } catch (error) {
    return fromKonnector('pdfjs-dist/legacy/build/pdf', error)
  }
}

exports.pdfjsDistWorker = () => {
  try {
    return require('pdfjs-dist/legacy/build/pdf.worker')
  } catch (error) {
    return fromKonnector('pdfjs-dist/legacy/build/pdf.worker', error)
  }
}

exports.zombie = () => {
  try {
    return require('zombie')
  } catch (error) {
    return fromKonnector('zombie', error)
  }
}

exports.zombieFetch = () => {
  try {
    return require('zombie/lib/fetch')
  } catch (error) {
    return fromKonnector('zombie/lib/fetch', error)
  }
}
