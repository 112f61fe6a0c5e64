import type { Message } from 'esbuild'

/** Something that went wrong, or deserves a look, with its place when it has one. */
export interface Problem {
  text: string
  file?: string
  /** From 1. */
  line?: number
  column?: number
}

/** A build that cannot be used. Nothing was left on disk. */
export class BuildError extends Error {
  override name = 'BuildError'
  readonly problems: Problem[]

  constructor(problems: Problem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}

/** `src/index.js:3:14: text` */
export function formatProblem({ text, file, line, column }: Problem): string {
  return file ? `${file}${line ? `:${line}:${column ?? 1}` : ''}: ${text}` : text
}

/** Names in package.json → versions asked for. */
export type Declared = ReadonlyMap<string, string>

/**
 * Folder of a konnector with modules for it, `node_modules` inside, when its own `node_modules` cannot be made: upstream's
 * library needs packages that only git can fetch, and a konnector that is run as it is must not be changed.
 */
export const SPARE_MODULES = '.konnectory'

/** What no registry gives alone, and nobody needs here. */
const REPLACED = ['cozy-konnector-libs', 'cozy-jobs-cli', 'cozy-konnector-build']

/** All that esbuild says, and a way out when modules are missing because the installation fails upstream. */
export function fromFailure(messages: readonly Message[], declared: Declared): Problem[] {
  const problems = messages.map(one => fromEsbuild(one, declared))
  const names = new Set(messages.map(missingName).filter(one => one !== undefined))
  const wanted = [...names].filter(name => declared.has(name)).map(name => installable(name, declared.get(name) ?? ''))
  const replaced = REPLACED.filter(name => declared.has(name))
  if (wanted.length === 0 || replaced.length === 0) return problems
  const text = `If that fails because of ${replaced.join(', ')}, which ${replaced.length > 1 ? 'are' : 'is'} not needed here: npm install --prefix ${SPARE_MODULES} ${wanted.join(' ')}`
  return [...problems, { text }]
}

function installable(name: string, range: string): string {
  if (!/^[\^~]?\d[\w.+-]*$/.test(range)) return range === '' || range === '*' ? name : `'${name}@${range}'`
  return `${name}@${range}`
}

/** Package of a module that was not found; nothing for files and for parts of the library. */
function missingName({ text }: Message): string | undefined {
  const missing = MISSING.exec(text)?.[1]
  return missing === undefined || /^[./]/.test(missing) ? undefined : packageName(missing)
}

const MISSING = /^Could not resolve "(.*)"/

/** What esbuild says, in our words where ours tell more (a missing module: declared or not, how to get it). */
export function fromEsbuild(message: Message, declared: Declared): Problem {
  const missing = MISSING.exec(message.text)?.[1]
  const noLoader = /^No loader is configured for "(.*)" files: (.*)$/.exec(message.text)
  const text = missing
    ? missingModule(missing, declared)
    : noLoader
      ? `${noLoader[2]} cannot be bundled (a ${noLoader[1]} file). Put it in assets/ and read it from __dirname.`
      : message.text
  // Our own glue has no place that an author could look at.
  if (!message.location || /^konnectory[a-z-]*:/.test(message.location.file)) return { text }
  const { file, line, column } = message.location
  return { text, file, line, column: column + 1 }
}

function missingModule(specifier: string, declared: Declared): string {
  if (/^[./]/.test(specifier)) return `The file ${specifier} does not exist.`
  if (/^cozy-konnector-libs(\/|$)/.test(specifier)) {
    return `${specifier} is not a part of the library that konnectors can load. See docs/reference/build.md for the list.`
  }
  const name = packageName(specifier)
  return declared.has(name)
    ? `The module ${specifier} is declared in package.json but not installed: run yarn install (or npm install).`
    : `The module ${specifier} is neither installed nor declared in package.json: run yarn add ${name} (or npm install ${name}).`
}

/** `@scope/name` or `name` of a bare specifier. */
export function packageName(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier)
}
