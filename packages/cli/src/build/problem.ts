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

/** What esbuild says, in our words where ours tell more (a missing module: declared or not, how to get it). */
export function fromEsbuild(message: Message, declared: ReadonlySet<string>): Problem {
  const missing = /^Could not resolve "(.*)"/.exec(message.text)?.[1]
  const noLoader = /^No loader is configured for "(.*)" files: (.*)$/.exec(message.text)
  const text = missing
    ? missingModule(missing, declared)
    : noLoader
      ? `${noLoader[2]} cannot be bundled (a ${noLoader[1]} file). Put it in assets/ and read it from __dirname.`
      : message.text
  if (!message.location) return { text }
  const { file, line, column } = message.location
  return { text, file, line, column: column + 1 }
}

function missingModule(specifier: string, declared: ReadonlySet<string>): string {
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
