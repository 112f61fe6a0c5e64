import { readFile } from 'node:fs/promises'
import { dirname, extname, sep } from 'node:path'
import type { Loader, Plugin } from 'esbuild'
import { narrowRequires } from './narrow-requires.ts'

const LOADERS: Record<string, Loader> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
}

/**
 * moment loads its languages by a computed name, which no bundler sees through the alias it uses: `locale('fr')` would
 * silently stay English (22 of 91 surveyed konnectors call it). Spelled as a pattern, esbuild bundles them all, and each
 * is evaluated when asked for.
 */
export function momentLocales(): Plugin {
  return {
    name: 'konnectory-moment',
    setup(build) {
      build.onLoad({ filter: /[\\/]moment[\\/]moment\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        const contents = source.replace(
          /aliasedRequire\((['"])\.\/locale\/\1 \+ (\w+)\)/,
          (_call, _quote, name: string) => `require('./locale/' + ${name} + '.js')`,
        )
        return { contents, loader: 'js' }
      })
    },
  }
}

/**
 * What the author's own files need to keep their meaning in a bundle:
 * - `require.main === module` in an entry is true when the bundle is the script that Node runs;
 * - with `dirnames`, `__dirname` and `__filename` are those of the source, for a bundle that runs from a temporary
 *   folder (standalone). A bundle made by `build` keeps the real ones: `readPayload` needs them.
 * And what keeps it small (`narrow-requires.ts`).
 */
export function adaptSources(root: string, entries: readonly string[], dirnames: boolean): Plugin {
  return {
    name: 'konnectory-sources',
    setup(build) {
      build.onLoad({ filter: /\.[mc]?[jt]s$/, namespace: 'file' }, async ({ path }) => {
        const isEntry = entries.includes(path)
        const isOwn = path.startsWith(root + sep) && !path.slice(root.length).includes(`${sep}node_modules${sep}`)
        if (!isEntry && !isOwn) return undefined
        const source = await readFile(path, 'utf8')
        let contents = source
        if (isEntry) contents = contents.replace(MAIN_TEST, '$1__konnectory_host.module')
        contents = await narrowRequires(contents, async specifier => {
          const found = await build.resolve(specifier, {
            kind: 'require-call',
            importer: path,
            resolveDir: dirname(path),
          })
          return found.errors.length === 0
        })
        if (dirnames && isOwn && /\b__(dir|file)name\b/.test(source)) contents = withDirnames(contents, path)
        if (contents === source) return undefined
        return { contents, loader: LOADERS[extname(path)] ?? 'js', resolveDir: dirname(path) }
      })
    },
  }
}

const MAIN_TEST = /(\brequire\.main\s*={2,3}\s*)module\b/g

/** On the first line, so that line numbers of the source stay true; a hash-bang must stay first. */
function withDirnames(source: string, path: string): string {
  const names = `var __dirname = ${JSON.stringify(dirname(path))}, __filename = ${JSON.stringify(path)};`
  const at = source.startsWith('#!') ? source.indexOf('\n') + 1 : 0
  return source.slice(0, at) + names + source.slice(at)
}
