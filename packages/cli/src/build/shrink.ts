import type { Metafile } from 'esbuild'
import type { Compiled } from './compile.ts'
import { renameModules } from './module-names.ts'

type Files = Compiled['files']

/**
 * Makes a bundle small, and the same on every machine.
 *
 * A second pass over the script, because `minifyIdentifiers` while bundling writes modules as arrow functions, which V8
 * compiles at once: our heaviest modules, loaded but unused, take 56 MB and 57 ms that way, 49 MB and 48 ms as the
 * methods they stay here; the size is the same. Names of functions and classes were fixed by `keepNames` before.
 * Lines are kept short enough to read the one that Node prints with a stack trace.
 */
export async function shrink(files: Files, metafile: Metafile, root: string): Promise<Files> {
  const { transform } = await import('esbuild')
  const shrunk = await Promise.all(
    files.map(async (file): Promise<Files> => {
      if (file.path.endsWith('.js.map')) return []
      if (!file.path.endsWith('.js')) return [file]
      const map = files.find(({ path }) => path === `${file.path}.map`)
      const code = renameModules(textOf(file), metafile, root)
      const small = await transform(map ? withInlineMap(code, textOf(map)) : code, {
        minify: true,
        lineLimit: 500,
        target: 'node20',
        platform: 'node',
        charset: 'ascii',
        legalComments: 'inline',
        logLevel: 'silent',
        sourcemap: map ? 'external' : false,
        sourcefile: 'index.js',
      })
      if (!map) return [{ path: file.path, contents: Buffer.from(small.code) }]
      const name = map.path.slice(map.path.replaceAll('\\', '/').lastIndexOf('/') + 1)
      return [
        { path: file.path, contents: Buffer.from(`${small.code}//# sourceMappingURL=${name}\n`) },
        { path: map.path, contents: Buffer.from(small.map) },
      ]
    }),
  )
  return shrunk.flat()
}

function textOf({ contents }: Files[number]): string {
  return Buffer.from(contents).toString('utf8')
}

function withInlineMap(code: string, map: string): string {
  const bare = code.replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n')
  return `${bare}//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}\n`
}
