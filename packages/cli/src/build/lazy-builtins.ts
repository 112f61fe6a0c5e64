import { resolve, sep } from 'node:path'
import type { Plugin } from 'esbuild'

/** Modules of Node that cost milliseconds to load (on Node 26: crypto 8, http 6, the others 1 to 3) and are not always used. */
const SLOW = /^(?:node:)?(crypto|http|https|http2|zlib|child_process|net|tls|dns|worker_threads|readline|stream\/web)$/

const NAMESPACE = 'konnectory-builtin'

/**
 * Loads Node's slower modules when the libraries use them, not when they import them: `import { createHash } from
 * 'node:crypto'` becomes a look-up at each use. Only for our own packages, whose imports are known to have no effect by
 * themselves; an author's code keeps Node's order.
 * @param packages folder that holds our packages
 */
export function lazyBuiltins(packages: string): Plugin {
  return {
    name: 'konnectory-lazy-builtins',
    setup(build) {
      build.onResolve({ filter: SLOW }, ({ path, kind, importer, namespace }) => {
        if (namespace === NAMESPACE || kind !== 'import-statement') return undefined
        const isOurs =
          importer.startsWith(resolve(packages) + sep) || /[\\/]node_modules[\\/]@konnectory[\\/]/.test(importer)
        return isOurs ? { path: path.replace(/^node:/, ''), namespace: NAMESPACE, sideEffects: false } : undefined
      })
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ path }) => ({ contents: lazily(path) }))
    },
  }
}

/**
 * Every look-up ends at the real module. esbuild's namespace objects copy the names they see (none, on purpose) and
 * inherit from the module's prototype, which is therefore this same object: named, default and namespace imports work.
 */
function lazily(name: string): string {
  const module = `require("node:${name}")`
  return `const lazy = new Proxy({}, {
  get: (_, key) => (key === '__esModule' ? undefined : ${module}[key]),
  has: (_, key) => key in ${module},
  getPrototypeOf: () => lazy
})
module.exports = lazy`
}
