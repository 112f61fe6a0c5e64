import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Metafile } from 'esbuild'
import { readPackageJson } from '../project/entry.ts'
import { adaptSources, momentLocales } from './adapt-sources.ts'
import { type Compiled, compile } from './compile.ts'
import { type Entries, wrapEntries } from './entries.ts'
import { lazyBuiltins } from './lazy-builtins.ts'
import { absentModules } from './optional-modules.ts'
import { formatProblem, fromEsbuild } from './problem.ts'
import { OUR_PACKAGES, type Resolved, resolveModules } from './resolve-modules.ts'
import { shrink } from './shrink.ts'
import { CHEERIO_NODE_ONLY, serveVendor, vendorLoader } from './vendor.ts'
import { provideVendor } from './vendor-store.ts'

export interface BundleOptions {
  /** Folder of the konnector. */
  root: string
  /** The author's script. */
  entry: string
  /** Where `index.js` is written; made when missing, other files in it are left alone. */
  outdir: string
  /** Becomes `__WEBPACK_PROVIDED_MANIFEST__`, the library's `manifest.data`. */
  manifest: Record<string, unknown>
  /** More scripts: path in `outdir` without extension → source. */
  entries?: Entries
  /** Writes `index.js.map`, which `node --enable-source-maps` reads. */
  sourcemap?: boolean
  /** Default true. Names of functions and classes are kept either way: stack traces need them. */
  minify?: boolean
  /** `__dirname` of the author's files is that of their source: for a bundle that does not run where it was built. */
  sourceDirnames?: boolean
}

export interface Bundle {
  /** Absolute path of `index.js`. */
  outfile: string
  /** Size of all scripts, source maps not counted. */
  bytes: number
  warnings: string[]
  /** What is inside, for `packageSizes`. */
  contents: { metafile: Metafile; root: string }[]
  /** Absolute paths of the files it was made of, those of the libraries' heavy modules left out. */
  inputs: string[]
}

/**
 * Makes one CommonJS script of a konnector, JavaScript or TypeScript, CommonJS or ESM, or both mixed: what `node <dir>`
 * runs with no node_modules and no package.json (`sdk/build.md` sections 2 and 6). `cozy-konnector-libs` is answered by
 * our libraries, and so are the modules it used to bring along.
 * @throws BuildError with every problem found; nothing is written then
 */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const root = resolve(options.root)
  const outdir = resolve(options.outdir)
  const entries: Entries = { index: resolve(root, options.entry), ...options.entries }
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = readPackageJson(root)
  const declared = new Map(
    Object.entries({ ...peerDependencies, ...optionalDependencies, ...devDependencies, ...dependencies }),
  )
  let vendorFrom: string | undefined
  const resolved: Resolved = {
    absent: new Set(),
    upstream: new Set(),
    needVendor(from) {
      if (vendorFrom) return
      vendorFrom = from
      // Begun now, beside the konnector, as nearly all need it; what comes out of it is looked at below.
      provideVendor(from, false).catch(() => {})
    },
  }
  const run = (withStart: boolean): Promise<Compiled> =>
    compile({
      root,
      outdir,
      entries: Object.keys(entries),
      manifest: options.manifest,
      sourcemap: options.sourcemap ?? false,
      declared,
      plugins: format => [
        wrapEntries(entries, withStart, format),
        resolveModules(root, declared, resolved),
        serveVendor(),
        lazyBuiltins(OUR_PACKAGES),
        momentLocales(),
        adaptSources(root, Object.values(entries), options.sourceDirnames === true),
      ],
    })

  // What few konnectors need is left out first: one that turns out to need it costs a second pass.
  const guess = declared.has('@konnectory/sdk')
  let result = await run(guess)
  const sources = await readSources(root, result.metafile)
  const withStart = guess || usesSdk(result.metafile)
  resolved.wholeCheerio = sources.some(source => CHEERIO_NODE_ONLY.test(source))
  if (withStart !== guess || resolved.wholeCheerio) result = await run(withStart)

  const [small, vendor] = await Promise.all([
    options.minify === false ? result.files : shrink(result.files, result.metafile, root),
    vendorFrom
      ? provideVendor(
          vendorFrom,
          sources.some(source => /\bhttpSignature\b/.test(source)),
        )
      : undefined,
  ])
  const files = vendor ? small.map(file => withVendor(file, vendor.code)) : small
  for (const { path, contents } of files) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, contents)
  }
  const warnings = [
    ...result.warnings
      .filter(({ location }) => !location || isOwnSource(location.file))
      .map(message => formatProblem(fromEsbuild(message, declared))),
    ...[...resolved.upstream].map(
      name => `${name} is not among the library's files that we provide: the installed one is bundled.`,
    ),
    ...absentModules(sources, resolved.absent),
  ]
  const scripts = files.filter(({ path }) => path.endsWith('.js'))
  return {
    outfile: join(outdir, 'index.js'),
    bytes: scripts.reduce((sum, { contents }) => sum + contents.byteLength, 0),
    warnings,
    contents: [{ metafile: result.metafile, root }, ...(vendor ? [vendor] : [])],
    inputs: Object.keys(result.metafile.inputs)
      .filter(path => !/^[a-z-]{3,}:/.test(path))
      .map(path => resolve(root, path)),
  }
}

/** A script with the heavy modules behind it, before the comment that names its source map. */
function withVendor(file: Compiled['files'][number], code: string): Compiled['files'][number] {
  if (!file.path.endsWith('.js')) return file
  const script = Buffer.from(file.contents).toString('utf8')
  if (!script.includes('__konnectory_vendor')) return file
  const end = /(\/\/# sourceMappingURL=[^\n]*\n?)?$/.exec(script)
  const at = end?.index ?? script.length
  const newline = script.slice(0, at).endsWith('\n') ? '' : '\n'
  return {
    path: file.path,
    contents: Buffer.from(script.slice(0, at) + newline + vendorLoader(code) + script.slice(at)),
  }
}

/** Texts of the author's own files in a bundle. */
function readSources(root: string, { inputs }: Metafile): Promise<string[]> {
  const paths = Object.keys(inputs).filter(path => isOwnSource(path) && /\.[mc]?[jt]s$/.test(path))
  return Promise.all(paths.map(path => readFile(join(root, path), 'utf8')))
}

/** A file of the author, by its path in the metafile (relative to the konnector's folder). */
function isOwnSource(path: string): boolean {
  return !path.startsWith('..') && !/(^|\/)node_modules\//.test(path) && !/^[a-z-]+:/.test(path)
}

function usesSdk({ inputs }: Metafile): boolean {
  return Object.entries(inputs).some(
    ([path, { imports }]) => isOwnSource(path) && imports.some(({ original }) => original === '@konnectory/sdk'),
  )
}
