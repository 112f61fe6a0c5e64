import { isBuiltin } from 'node:module'
import { delimiter, join } from 'node:path'
import type { BuildFailure, BuildOptions, Message, Metafile, Plugin } from 'esbuild'
import { entryPoints, type Format, preamble } from './entries.ts'
import { BuildError, type Declared, fromFailure, SPARE_MODULES } from './problem.ts'

export interface CompileOptions {
  root: string
  outdir: string
  /** Names of the entries. */
  entries: readonly string[]
  manifest: Record<string, unknown>
  sourcemap: boolean
  declared: Declared
  plugins: (format: Format) => Plugin[]
}

export interface Compiled {
  files: { path: string; contents: Uint8Array }[]
  warnings: Message[]
  metafile: Metafile
}

/**
 * Runs esbuild; nothing is written. Top-level await has no CommonJS form: a konnector that uses it is compiled as one
 * ES module without imports or exports, inside an async function.
 * @throws BuildError
 */
export async function compile(options: CompileOptions): Promise<Compiled> {
  try {
    return await run(options, 'cjs')
  } catch (error) {
    if (!isBuildFailure(error)) throw error
    if (!error.errors.some(needsAsync)) throw new BuildError(fromFailure(error.errors, options.declared))
  }
  try {
    return await run(options, 'esm')
  } catch (error) {
    if (!isBuildFailure(error)) throw error
    throw new BuildError(fromFailure(error.errors, options.declared))
  }
}

async function run(options: CompileOptions, format: Format): Promise<Compiled> {
  // Loaded here: importing the CLI must not start esbuild's child process.
  const { build } = await import('esbuild')
  const plugins = options.plugins(format)
  const { outputFiles, warnings, metafile } = await build({
    ...baseOptions(options),
    ...(format === 'esm' ? asyncScript(plugins, options.manifest) : { format, plugins }),
  })
  return { files: outputFiles, warnings, metafile }
}

function baseOptions({ root, outdir, entries, manifest, sourcemap }: CompileOptions) {
  return {
    absWorkingDir: root,
    outdir,
    entryPoints: entryPoints(entries),
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node20',
    // Node's own conditions: esbuild would add `module`, which gives an ES namespace to a `require` that in Node gets a
    // function. Konnectors were written against Node.
    conditions: ['node'],
    nodePaths: [join(root, SPARE_MODULES, 'node_modules'), ...(process.env.NODE_PATH?.split(delimiter) ?? [])],
    charset: 'ascii',
    logLevel: 'silent',
    legalComments: 'inline',
    banner: { js: preamble(manifest) },
    loader: { '.node': 'copy' },
    define: {
      'import.meta.url': '__konnectory_host.url',
      'import.meta.filename': '__konnectory_host.filename',
      'import.meta.dirname': '__konnectory_host.dirname',
    },
    sourcemap: sourcemap ? 'linked' : false,
    keepNames: true,
    sourcesContent: true,
  } as const satisfies BuildOptions
}

/** Inside a function there are no import statements: Node's modules are required instead. */
function asyncScript(plugins: Plugin[], manifest: Record<string, unknown>) {
  const builtins: Plugin = {
    name: 'konnectory-builtins',
    setup(build) {
      build.onResolve({ filter: /^[a-z]/ }, ({ path, namespace }) => {
        if (!isBuiltin(path)) return undefined
        return namespace === 'builtin' ? { path, external: true } : { path, namespace: 'builtin' }
      })
      build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)})`,
      }))
    },
  }
  return {
    format: 'esm',
    plugins: [builtins, ...plugins] as Plugin[],
    banner: { js: `${preamble(manifest)}(async()=>{` },
    // Out of the promise, so that it ends the process as any error of a script does.
    footer: { js: '})().catch(e=>{setImmediate(()=>{throw e})});' },
  } as const satisfies BuildOptions
}

function needsAsync({ text }: Message): boolean {
  return /top-level await/i.test(text)
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors)
}
