import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { phantomModule, phantomModules } from '@konnectory/libs/phantom'
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild, ResolveResult } from 'esbuild'
import { type Declared, packageName } from './problem.ts'
import { lightCheerio, VENDOR, vendorModule } from './vendor.ts'

/** What our own dependencies are looked up from: this package's, and the libraries'. */
const HERE = dirname(fileURLToPath(import.meta.url))
const LIBS = dirname(phantomModules.request?.target ?? HERE)

/** Folder that holds our packages: `packages/` in the repository, `node_modules/@konnectory/` when installed. */
export const OUR_PACKAGES = resolve(LIBS, '..', '..', '..')

/** The library under the names konnectors know it by. */
const LIBRARY = /^cozy-konnector-libs(\/.*)?$/

const HEAVY = nameFilter(Object.values(VENDOR), false)
const PHANTOM = nameFilter(Object.keys(phantomModules), true)

/** Our own packages: the konnector's copy when it has one, so that there is only one, else ours. */
const OURS = /^@konnectory\/(libs|sdk|client|protocol|standalone)(\/.*)?$/

/**
 * Modules the libraries look for in the konnector and do without (`sdk/build.md` section 5.4). `canvas` is native: it
 * is never bundled, as upstream.
 */
const OPTIONAL = /^(pdfjs|pdfjs-dist|zombie|canvas)(\/.*)?$/

/**
 * What was asked of the resolver that a person should know: optional modules that were not found, as asked for.
 */
export interface Resolved {
  absent: Set<string>
  /** Called when libraries in this folder ask for a heavy module (`vendor.ts`). */
  needVendor(from: string): void
  /** In: take cheerio's Node entry even where its browser entry would do. */
  wholeCheerio?: boolean
  /** Specifiers of the library that only the upstream package answers. */
  upstream: Set<string>
}

/**
 * How names of modules become files in a konnector's bundle:
 * `cozy-konnector-libs` is always ours; undeclared modules are the konnector's copy, else ours; the rest is Node's
 * ordinary resolution.
 * @param root folder of the konnector
 * @param declared names in the konnector's package.json
 */
export function resolveModules(root: string, declared: Declared, resolved: Resolved): Plugin {
  return {
    name: 'konnectory-resolve',
    setup(build) {
      const find = finder(build)

      build.onResolve({ filter: HEAVY }, async args => {
        if (isOurs(args)) return undefined
        const name = vendorName(args.path)
        const fromLibraries = /[\\/](heavy\.cjs|local-stack\.[jt]s)$/.test(args.importer)
        if (!name || !fromLibraries) return undefined
        resolved.needVendor(args.resolveDir)
        return vendorModule(name)
      })

      build.onResolve({ filter: LIBRARY }, async args => {
        if (isOurs(args)) return undefined
        const specifier = args.path.replace('cozy-konnector-libs', '@konnectory/libs')
        const found = (await find(specifier, args, root)) ?? (await find(specifier, args, HERE))
        if (!found) resolved.upstream.add(args.path)
        return found
      })

      build.onResolve({ filter: OURS }, async args => {
        if (isOurs(args)) return undefined
        return (await find(args.path, args)) ?? (await find(args.path, args, root)) ?? find(args.path, args, HERE)
      })

      build.onResolve({ filter: OPTIONAL }, async args => {
        if (isOurs(args)) return undefined
        if (/^canvas(\/|$)/.test(args.path)) return { path: args.path, external: true }
        // A konnector's dependency finds its own copy first; our libraries (and so ours in a checkout) must not.
        const found = args.resolveDir.startsWith(root) ? await find(args.path, args) : await find(args.path, args, root)
        // One that lies above the konnector and is not declared is somebody else's, half a megabyte nobody asked for.
        if (found && (declared.has(packageName(args.path)) || found.path?.startsWith(root))) return found
        resolved.absent.add(args.path)
        return { path: args.path, external: true }
      })

      build.onResolve({ filter: PHANTOM }, async args => {
        if (isOurs(args)) return undefined
        const phantom = phantomModule(args.path)
        if (!phantom) return undefined
        // Ours stands for the whole family (same classes, same jars): a copy that merely happens to be installed, because
        // something else depends on it, would break `instanceof` and be a second cheerio in the bundle.
        const certain = phantom.from === 'file' && isAuthors(args, root) && !declared.has(packageName(args.path))
        const own = certain ? undefined : await find(args.path, args)
        const name = vendorName(args.path)
        if (phantom.from === 'libs' && name) {
          const libraries = await find(phantom.target, args, LIBS)
          if (!own || own.path === libraries?.path) {
            resolved.needVendor(LIBS)
            return vendorModule(name)
          }
        }
        if (own)
          return args.path === 'cheerio' && isAuthors(args, root) && !resolved.wholeCheerio ? lightCheerio(own) : own
        if (phantom.from === 'file') return { path: phantom.target }
        return find(phantom.target, args, phantom.from === 'libs' ? LIBS : HERE)
      })
    },
  }
}

function vendorName(specifier: string): string | undefined {
  return Object.keys(VENDOR).find(name => VENDOR[name] === specifier)
}

function isAuthors({ resolveDir }: OnResolveArgs, root: string): boolean {
  return resolveDir.startsWith(root) && !/[\\/]node_modules([\\/]|$)/.test(resolveDir.slice(root.length))
}

const MARK = Symbol('asked by konnectory-resolve')

function isOurs(args: OnResolveArgs): boolean {
  return args.pluginData === MARK
}

/** Asks esbuild itself, from the importer's folder or from another one; undefined when there is nothing. */
function finder(build: PluginBuild) {
  return async (
    specifier: string,
    args: OnResolveArgs,
    from = args.resolveDir,
  ): Promise<OnResolveResult | undefined> => {
    const result: ResolveResult = await build.resolve(specifier, {
      kind: args.kind,
      importer: args.importer,
      resolveDir: from,
      pluginData: MARK,
    })
    if (result.errors.length > 0 || result.path === '') return undefined
    return {
      path: result.path,
      external: result.external,
      sideEffects: result.sideEffects,
      namespace: result.namespace,
    }
  }
}

/** A pattern for esbuild, which asks us only about names that match: each question costs a round trip. */
function nameFilter(names: readonly string[], deeper: boolean): RegExp {
  const escaped = names.map(name => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^(${escaped.join('|')})${deeper ? '(/.*)?' : ''}$`)
}
