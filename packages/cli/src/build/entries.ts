import type { Plugin } from 'esbuild'

const NAMESPACE = 'konnectory'

/** Scripts to make: path below the output folder without extension → the author's file. */
export type Entries = Record<string, string>

/** `cjs` is what a build is; `esm` only inside the wrapper that top-level await needs (`compile.ts`). */
export type Format = 'cjs' | 'esm'

/** What esbuild is asked to build. */
export function entryPoints(names: readonly string[]): { in: string; out: string }[] {
  return names.map(out => ({ in: `konnectory-entry:${out}`, out }))
}

/**
 * First line of a script: what its modules see as globals.
 * - the manifest under the name that the old build gave it;
 * - what belongs to the script and not to a file in it: each file of a bundle has a `module` of its own.
 */
export function preamble(manifest: Record<string, unknown>): string {
  return `var __WEBPACK_PROVIDED_MANIFEST__=${JSON.stringify(manifest)};${HOST}`
}

const HOST =
  'const __konnectory_host={module,filename:__filename,dirname:__dirname,get url(){return require("node:url").pathToFileURL(__filename).href}};'

/**
 * Puts a script of ours in front of the author's: it loads theirs, hands on what it exports, and starts it when it is a
 * konnector of the SDK, which is only an object. Old-style konnectors start themselves.
 * @param withStart whether the SDK's start code goes in
 */
export function wrapEntries(entries: Entries, withStart: boolean, format: Format): Plugin {
  return {
    name: 'konnectory-entries',
    setup(build) {
      build.onResolve({ filter: /^konnectory-entry:/ }, ({ path }) => ({ path, namespace: NAMESPACE }))
      build.onResolve({ filter: /^konnectory-author:/ }, ({ path }) => {
        const file = entries[nameIn(path)]
        return file ? { path: file } : { errors: [{ text: `no source for ${path}` }] }
      })
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => ({
        contents: entryCode(nameIn(path), withStart, format),
        loader: 'js',
      }))
    },
  }
}

function nameIn(path: string): string {
  return path.slice(path.indexOf(':') + 1)
}

function entryCode(name: string, withStart: boolean, format: Format): string {
  const author = JSON.stringify(`konnectory-author:${name}`)
  const start = 'startIfMain(exported, { isMain: require.main === __konnectory_host.module })'
  if (format === 'esm') {
    if (!withStart) return `import ${author}`
    return `import * as exported from ${author}\nimport { startIfMain } from "@konnectory/sdk"\n${start}`
  }
  const load = `module.exports = require(${author})`
  return withStart ? `const exported = ${load}\nrequire("@konnectory/sdk").${start}` : load
}
