/**
 * Makes a compiled package small, in place: the code bundled and minified, one file per export and what they share; of
 * the declarations, those that the exports reach; packages of ours that hold only words (`protocol`) taken in.
 *
 * Used for `@konnectory/client` and `@konnectory/sdk`, which are to weigh at most 150 KB together on an author's disk.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build } from 'esbuild'
import { shakeDeclarations } from './shake-declarations.ts'

export interface SlimOptions {
  /** Folder of the package: `package.json` whose exports are `./dist/x.js`, and `dist` with `.js` and `.d.ts`. */
  folder: string
  /** Packages to take in, with their folders. Only such whose types are compared by shape: a class would exist twice. */
  inline?: Record<string, string>
}

/** @throws when the package has an export that is not a file of `dist`, or esbuild fails */
export async function slimPackage({ folder, inline = {} }: SlimOptions): Promise<void> {
  const manifestPath = join(folder, 'package.json')
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as {
    exports: Record<string, string | { default?: string; import?: string }>
    dependencies?: Record<string, string>
  }
  const dist = join(folder, 'dist')
  const entries = Object.values(manifest.exports).map(value => {
    const path = typeof value === 'string' ? value : (value.import ?? value.default ?? '')
    if (!path.startsWith('./dist/')) throw new Error(`${manifestPath}: ${path} is not a file of dist`)
    return join(folder, path)
  })
  const fresh = join(folder, 'slim')
  for (const name of Object.keys(inline)) delete manifest.dependencies?.[name]

  await build({
    entryPoints: entries,
    outdir: fresh,
    outbase: dist,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    legalComments: 'none',
    external: Object.keys(manifest.dependencies ?? {}),
    alias: Object.fromEntries(Object.entries(inline).map(([name, path]) => [name, join(path, 'dist/index.js')])),
    logLevel: 'warning',
  })

  const placeOf = (path: string): string => {
    for (const [name, other] of Object.entries(inline)) {
      if (path.startsWith(join(other, 'dist')))
        return join(name.split('/').at(-1) as string, relative(join(other, 'dist'), path))
    }
    return relative(dist, path)
  }
  const declarations = shakeDeclarations({
    entries: entries.map(path => path.replace(/\.js$/, '.d.ts')),
    resolve: specifier => (specifier in inline ? join(inline[specifier] as string, 'dist/index.d.ts') : undefined),
    rename: (from, to) => {
      const path = relative(dirname(placeOf(from)), placeOf(to)).replace(/\.d\.ts$/, '.js')
      return path.startsWith('.') ? path : `./${path}`
    },
  })
  for (const [path, text] of declarations) {
    const file = join(fresh, placeOf(path))
    mkdirSync(dirname(file), { recursive: true })
    // tsc indents by four.
    writeFileSync(
      file,
      text.replace(/^(?: {4})+/gm, indent => '  '.repeat(indent.length / 4)),
    )
  }
  rmSync(dist, { recursive: true })
  renameSync(fresh, dist)
  writeFileSync(manifestPath, `${JSON.stringify(manifest, null, 2)}\n`)
}
