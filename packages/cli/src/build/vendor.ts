import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { BuildOptions, Metafile, OnResolveResult, Plugin } from 'esbuild'

/**
 * The heavy modules of the libraries: what `heavy.cjs` of @konnectory/libs loads on first use, and the stack it starts
 * in the process when there is no server. Property of the compiled script → module.
 */
export const VENDOR: Readonly<Record<string, string>> = {
  cheerio: 'cheerio',
  request: '@cypress/request',
  bluebird: 'bluebird',
  toughCookie: 'tough-cookie',
  standalone: '@konnectory/standalone',
}

/** A script that exports one loading function per module of {@link VENDOR}, and what is in it. */
export interface Vendor {
  code: string
  metafile: Metafile
  /** What the paths in it are relative to. */
  root: string
}

/**
 * Compiles the heavy modules apart from the konnector. They go in its script as a text that is compiled on first use:
 * JavaScript engines read code twice as slowly as they read text even when none of it runs, and a konnector that uses
 * none must start fast (no-op against `node -e 0`: 2.7 times the CPU in one piece, 2.3 times this way). Apart, they can
 * also have all their names shortened, which in the konnector would cost (see `shrink.ts`), and be compiled once for many
 * builds (`vendor-store.ts`).
 * @param from folder of the libraries that ask for them
 * @param httpSignature whether requests can be signed (300 KB of RSA and ECDSA in JavaScript)
 */
export async function compileVendor(from: string, httpSignature: boolean): Promise<Vendor> {
  const { build } = await import('esbuild')
  const contents = Object.entries(VENDOR).map(
    ([name, module]) => `exports.${name} = () => require(${JSON.stringify(module)})`,
  )
  const { outputFiles, metafile } = await build({
    stdin: { contents: contents.join('\n'), resolveDir: from, sourcefile: 'vendor.cjs', loader: 'js' },
    absWorkingDir: from,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    keepNames: true,
    lineLimit: 500,
    // Text outside ASCII would double the memory of the script, and slow its reading.
    charset: 'ascii',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    conditions: ['node'],
    logLevel: 'silent',
    legalComments: 'inline',
    plugins: [lighten(httpSignature)],
  } satisfies BuildOptions)
  return { code: outputFiles[0]?.text ?? '', metafile, root: from }
}

/**
 * cheerio's Node entry drags undici and iconv-lite for {@link CHEERIO_NODE_ONLY}; its browser entry has the same `load`
 * from the same sources, half a megabyte less, and no 40 ms to load undici.
 * @param found where `cheerio` was found; versions without such an entry are returned as they are
 */
export function lightCheerio(found: OnResolveResult): OnResolveResult {
  const browser = found.path?.replace(/([\\/]dist[\\/])(?:commonjs|esm)([\\/]index\.js)$/, '$1browser$2')
  return browser && existsSync(browser) ? { path: browser } : found
}

/** What cheerio's browser entry lacks. */
export const CHEERIO_NODE_ONLY = /\b(loadBuffer|stringStream|decodeStream|fromURL)\b/

/** The lighter cheerio, and requests without http-signature: one option, which no surveyed konnector uses. */
function lighten(httpSignature: boolean): Plugin {
  return {
    name: 'konnectory-lighten',
    setup(build) {
      build.onResolve({ filter: /^cheerio$/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (pluginData === 'as it is') return undefined
        const found: OnResolveResult = await build.resolve(path, { kind, importer, resolveDir, pluginData: 'as it is' })
        return lightCheerio(found)
      })
      // Data as text for JSON.parse: engines read it several times faster than the same written as code.
      build.onLoad({ filter: /[\\/]mime-db[\\/]db\.json$/ }, async ({ path }) => {
        const data: unknown = JSON.parse(await readFile(path, 'utf8'))
        return { contents: `module.exports = JSON.parse(${JSON.stringify(JSON.stringify(data))})` }
      })
      if (httpSignature) return
      build.onResolve({ filter: /^http-signature$/ }, ({ path }) => ({ path, namespace: 'konnectory-without' }))
      build.onLoad({ filter: /.*/, namespace: 'konnectory-without' }, () => ({ contents: WITHOUT_SIGNATURE }))
    },
  }
}

const WITHOUT_SIGNATURE = `exports.sign = exports.signRequest = () => {
  throw new Error('The option httpSignature is not in this bundle: the word httpSignature must stand in the sources of the konnector.')
}`

/** Sends imports of the heavy modules, resolved to the libraries' copies, to the text in the script. */
export function vendorModule(name: string): OnResolveResult {
  return { path: name, namespace: 'konnectory-vendor', sideEffects: false }
}

/** Serves what {@link vendorModule} names. */
export function serveVendor(): Plugin {
  return {
    name: 'konnectory-vendor',
    setup(build) {
      build.onLoad({ filter: /.*/, namespace: 'konnectory-vendor' }, ({ path }) => ({
        contents: `module.exports = __konnectory_vendor().${path}()`,
      }))
    },
  }
}

/** The function that compiles the text, to append to a script: a declaration, so that it is there from the start. */
export function vendorLoader(code: string): string {
  return `function __konnectory_vendor(){const h=__konnectory_host;if(!h.vendor){const m={exports:{}};require("node:vm").compileFunction(
${quote(code)},["require","module","exports"],{filename:__filename+" (libraries)"})(require,m,m.exports);h.vendor=m.exports}return h.vendor}
`
}

/**
 * A string literal, as many lines long as its text. Not a template, which engines keep twice (as written and as read);
 * single quotes, because esbuild writes double ones.
 */
function quote(text: string): string {
  const escaped = text.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n\\\n')
  return `'${escaped}'`
}
