import type { Metafile } from 'esbuild'
import { originFinder } from './packages.ts'

/**
 * A script of esbuild (not minified) whose wrapped modules have names that say nothing of this machine.
 *
 * esbuild names a module after its path from the konnector's folder, `"../../home/me/x/bluebird.js"(exports) {`: the same
 * sources would give other bytes elsewhere, and would tell where. They become `package/file`. Each name ends its line
 * and no mark of a source map lies behind it, so the map stays true.
 */
export function renameModules(code: string, metafile: Metafile, root: string): string {
  const originOf = originFinder(root)
  return code.replace(
    /^(\s*)"([^"\\\n]+)"(?=\((?:exports\d*(?:, module\d*)?)?\) \{$)/gm,
    (line, indent: string, path: string) => {
      if (!Object.hasOwn(metafile.inputs, path)) return line
      const origin = originOf(path)
      return indent + JSON.stringify(origin.package ? `${origin.package}/${origin.file}` : origin.file)
    },
  )
}
