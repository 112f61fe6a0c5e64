import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** What the command `webpack` is in a project. */
export type WebpackAnswer =
  | { kind: 'build'; watch: boolean; ignored: string[] }
  | { kind: 'hand-over'; script: string }
  | { kind: 'refuse'; message: string }

/**
 * What to do for `"build": "webpack"` (`sdk/build.md` section 1): 91 surveyed konnectors have this script, and the old
 * build package brought the command. In a konnector it is our build; elsewhere, and for the client half of a konnector
 * (`webpack --config webpack.config.client.js`), the project's own webpack when it has one.
 * @param argv arguments after the command
 * @param root current directory
 * @param self path of the command that runs now: never handed over to
 */
export function answerWebpack(argv: readonly string[], root: string, self: string): WebpackAnswer {
  const at = argv.findIndex(one => one === '--config' || one === '-c')
  const config = at >= 0 ? argv[at + 1] : argv.find(one => one.startsWith('--config='))?.slice('--config='.length)
  const isKonnector = existsSync(join(root, 'manifest.konnector'))
  const isServer = !config || !/client|clisk/i.test(config)
  if (isKonnector && isServer) {
    const watch = argv.includes('--watch') || argv.includes('-w') || argv[0] === 'watch'
    return { kind: 'build', watch, ignored: argv.filter(one => !/^(--watch|-w|watch|build)$/.test(one)) }
  }
  const script = ownWebpack(root)
  if (script && script !== self) return { kind: 'hand-over', script }
  return {
    kind: 'refuse',
    message: isKonnector
      ? `${config} is for a client-side build, which konnectory does not make: yarn add --dev webpack webpack-cli.`
      : 'There is no manifest.konnector here. This `webpack` command builds konnectors; for anything else: yarn add --dev webpack webpack-cli.',
  }
}

/** The script of a webpack that the project installed, whatever stands in `node_modules/.bin`. */
function ownWebpack(root: string): string | undefined {
  try {
    const path = createRequire(join(root, 'package.json')).resolve('webpack/package.json')
    return join(dirname(path), 'bin', 'webpack.js')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}
