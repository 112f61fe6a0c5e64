import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PackageJson } from '../project/entry.ts'

/** What an old webpack configuration means for a build that does not read it. */
export interface OldConfig {
  /** For the author: that it is not read, and what of it is not honoured. */
  notes: string[]
  /** Set when this project is not a server konnector. */
  refusal?: string
}

/** Things of the old template's configuration that the build does by itself (`sdk/build.md` section 1). */
const KNOWN_CONSTANT = '__WEBPACK_PROVIDED_MANIFEST__'

/**
 * Looks at `webpack.config*.js` without running it: 91 surveyed konnectors have one, and 89 do nothing the build does not
 * do. Says what of the others is lost.
 * @param scripts names (without extension) of the scripts this build makes
 */
export function readOldConfig(root: string, packageJson: PackageJson, scripts: string[]): OldConfig {
  const refusal = refuseClientSide(root, packageJson)
  if (refusal) return { notes: [], refusal }
  const { name, source } = findConfig(root)
  if (!name) return { notes: [] }
  const lost = notHonoured(source, scripts)
  return {
    notes: [`${name} is not read: this build does the same without webpack.`, ...lost.map(what => `${name}: ${what}`)],
  }
}

/** @returns what to tell the author of a konnector that no server runs; undefined for any other */
export function refuseClientSide(root: string, { dependencies, devDependencies }: PackageJson): string | undefined {
  const packages = { ...dependencies, ...devDependencies }
  const server = packages['cozy-konnector-libs'] ?? packages['@konnectory/libs'] ?? packages['@konnectory/sdk']
  const isClient = /webpack\.config\.clisk/.test(findConfig(root).source) || (packages['cozy-clisk'] && !server)
  return isClient
    ? 'This is a client-side konnector (cozy-clisk): it runs in a browser view of the flagship app, not on a server, and konnectory neither runs nor builds it. Keep its webpack build.'
    : undefined
}

function findConfig(root: string): { name: string | undefined; source: string } {
  const name = ['webpack.config.js', 'webpack.config.cjs'].find(one => existsSync(join(root, one)))
  return { name, source: name ? withoutComments(readFileSync(join(root, name), 'utf8')) : '' }
}

function notHonoured(source: string, scripts: string[]): string[] {
  const lost: string[] = []
  for (const entry of entryNames(source)) {
    if (scripts.includes(entry) || entry === 'main') continue
    lost.push(`the entry "${entry}" is not built. Only src/index and the manifest's "on_delete_account" are.`)
  }
  if (/module\.exports\s*=\s*\[/.test(source)) lost.push('only the first of its builds is made.')
  if (/\brules\s*:\s*\[\s*\{/.test(source)) lost.push('its loaders (module.rules) are not used.')
  if (/\balias\s*:\s*\{/.test(source)) lost.push('its aliases (resolve.alias) are not used.')
  const constants = [...source.matchAll(/new\s+(?:webpack\.)?DefinePlugin\s*\(\s*\{([\s\S]*?)\}\s*\)/g)]
    .flatMap(([, body]) => [...(body ?? '').matchAll(/^\s*['"]?([\w$.]+)['"]?\s*:/gm)])
    .map(([, constant]) => constant)
    .filter(constant => constant !== KNOWN_CONSTANT)
  if (constants.length > 0) lost.push(`its constants ${constants.join(', ')} (DefinePlugin) are not set.`)
  if (/process\.env\.|\benv\./.test(source))
    lost.push('it reads the environment (several flavours?): the manifest at the root is used.')
  return lost
}

/** Names of `entry: { a: …, b: … }`; nothing for a string or an expression. */
function entryNames(source: string): string[] {
  const body = /\bentry\s*:\s*\{([\s\S]*?)\}/.exec(source)?.[1] ?? ''
  return [...body.matchAll(/(?:^|[,\s])['"]?([\w./-]+)['"]?\s*:/g)].map(([, name]) => name ?? '')
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"])\/\/.*$/gm, '$1')
}
