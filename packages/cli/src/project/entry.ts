import { existsSync, readFileSync, statSync } from 'node:fs'
import { extname, join, resolve, sep } from 'node:path'

/** Source extensions in order of preference: a typed source wins over the script that `tsc` left beside it. */
const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs', '.cjs']

/** What this project's package.json says of itself; every property may be absent. */
export interface PackageJson {
  name?: string
  main?: string
  type?: string
  scripts?: Record<string, string>
  repository?: string | { url?: string }
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** No script to run or to build. */
export class EntryError extends Error {
  override name = 'EntryError'
}

/**
 * The package.json of a project; an empty object when there is none.
 * @throws EntryError when it is not JSON
 */
export function readPackageJson(root: string): PackageJson {
  const path = join(root, 'package.json')
  if (!existsSync(path)) return {}
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''))
    return typeof parsed === 'object' && parsed !== null ? (parsed as PackageJson) : {}
  } catch (error) {
    throw new EntryError(`package.json is not JSON: ${(error as Error).message}`)
  }
}

/**
 * The script of a konnector: the file given, else package.json `main`, else `src/index.*`, else `index.*` and
 * `konnector.*` at the root as in 2017 (`sdk/cli.md` section 1, `sdk/build.md` section 6).
 * A `main` that points into `build/` is an artefact, not a source, and is not read.
 * @returns an absolute path
 * @throws EntryError with what was looked for
 */
export function findEntry(root: string, given?: string): string {
  if (given) {
    const path = resolve(root, given)
    if (isFile(path)) return path
    const found = sourceAt(root, given)
    if (found) return found
    throw new EntryError(
      isDirectory(path) ? `${given} is a folder without an index script.` : `File ${given} does not exist.`,
    )
  }
  const { main } = readPackageJson(root)
  const candidates = [main, 'src/index', 'index', 'konnector'].filter(one => one !== undefined)
  for (const candidate of candidates) {
    const found = sourceAt(root, candidate)
    if (found) return found
  }
  throw new EntryError(
    `No script found: neither ${main ? `${main} (package.json main), ` : ''}src/index.{ts,mts,js,mjs,cjs} nor index.js. Create src/index.js or name the file.`,
  )
}

/**
 * The source of a script named by its place in the build: `onDeleteAccount.js` is `src/onDeleteAccount.ts`, `.js`… or
 * the same below the root.
 */
export function findScript(root: string, inBuild: string): string | undefined {
  return sourceAt(root, join('src', inBuild)) ?? sourceAt(root, inBuild)
}

function sourceAt(root: string, name: string): string | undefined {
  const path = resolve(root, name)
  if (path.startsWith(join(root, 'build') + sep)) return undefined
  if (isDirectory(path)) return sourceAt(path, 'index')
  const extension = extname(path)
  const bare = EXTENSIONS.includes(extension) ? path.slice(0, -extension.length) : path
  const typed = ['.ts', '.mts'].map(one => bare + one)
  const others = EXTENSIONS.includes(extension) ? [path] : []
  return [...typed, ...others, ...EXTENSIONS.map(one => bare + one)].find(isFile)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
