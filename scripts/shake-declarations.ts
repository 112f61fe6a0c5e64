/**
 * Keeps of a tree of declaration files (`.d.ts`, as tsc writes them) what can be reached from its entries: every
 * exported function of every internal file gets a declaration, and an author's editor needs a fraction of them.
 */
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** One statement at the left margin, with the comment above it. */
interface Statement {
  text: string
  /** Declared name; undefined for imports and re-exports. */
  name?: string
  /** `{ local: imported }` for imports, `{ exported: imported }` for re-exports; undefined for `*`. */
  bindings?: Map<string, string>
  kind: 'declaration' | 'import' | 'export' | 'star'
  /** Specifier of imports and re-exports. */
  from?: string
  typeOnly: boolean
}

interface Module {
  statements: Statement[]
  /** Declarations that are kept, and bindings of imports and re-exports that are. */
  kept: Set<Statement>
  keptBindings: Map<Statement, Set<string>>
}

export interface ShakeOptions {
  /** Absolute paths of the entries; everything they export is kept. */
  entries: string[]
  /** Where a bare specifier's declarations are; undefined leaves it as an import of another package. */
  resolve(specifier: string): string | undefined
  /** How `from` is to name the module `to` in the result. */
  rename(from: string, to: string): string
}

/** @returns the new text of each file that is kept, by the absolute path it was read from */
export function shakeDeclarations(options: ShakeOptions): Map<string, string> {
  const modules = new Map<string, Module>()

  function load(path: string): Module {
    let module = modules.get(path)
    if (!module) {
      module = { statements: parse(readFileSync(path, 'utf8')), kept: new Set(), keptBindings: new Map() }
      modules.set(path, module)
    }
    return module
  }
  const target = (path: string, specifier: string): string | undefined =>
    specifier.startsWith('.')
      ? normalize(join(dirname(path), specifier)).replace(/\.[jt]s$/, '.d.ts')
      : options.resolve(specifier)

  function keepAll(path: string): void {
    for (const statement of load(path).statements) {
      if (statement.kind === 'declaration' && /^export /m.test(withoutComments(statement.text)))
        keep(path, statement.name as string)
      if (statement.kind === 'export') for (const name of statement.bindings?.keys() ?? []) keep(path, name)
      if (statement.kind === 'star') {
        load(path).kept.add(statement)
        const file = target(path, statement.from as string)
        if (file) keepAll(file)
      }
    }
  }

  /** Keeps `name` of the module and all it mentions; false when the module has no such name. */
  function keep(path: string, name: string): boolean {
    const module = load(path)
    let found = false
    for (const statement of module.statements) {
      if (statement.kind === 'declaration' && statement.name === name) {
        found = true
        if (module.kept.has(statement)) continue
        module.kept.add(statement)
        for (const word of new Set(withoutComments(statement.text).match(/[\w$]+/g)))
          if (word !== name) keep(path, word)
      } else if ((statement.kind === 'import' || statement.kind === 'export') && statement.bindings?.has(name)) {
        found = true
        const bindings = module.keptBindings.get(statement) ?? new Set()
        module.keptBindings.set(statement, bindings)
        if (bindings.has(name)) continue
        bindings.add(name)
        const original = statement.bindings.get(name) as string
        const file = statement.from === undefined ? path : target(path, statement.from)
        if (file) keep(file, original)
      }
    }
    if (found) return true
    return module.statements.some(statement => {
      if (statement.kind !== 'star') return false
      const file = target(path, statement.from as string)
      const isThere = file !== undefined && keep(file, name)
      if (isThere) module.kept.add(statement)
      return isThere
    })
  }

  for (const entry of options.entries) keepAll(entry)

  const result = new Map<string, string>()
  for (const [path, module] of modules) {
    const specifier = (from: string) => {
      const file = target(path, from)
      return file ? options.rename(path, file) : from
    }
    const lines = module.statements.flatMap(statement => {
      if (statement.kind === 'declaration') return module.kept.has(statement) ? [statement.text] : []
      if (statement.kind === 'star') {
        return module.kept.has(statement)
          ? [`export ${statement.typeOnly ? 'type ' : ''}* from '${specifier(statement.from as string)}';`]
          : []
      }
      const names = [...(module.keptBindings.get(statement) ?? [])]
      if (names.length === 0) return []
      const list = names.map(name => {
        const original = statement.bindings?.get(name)
        return original === name ? name : `${original} as ${name}`
      })
      const from = statement.from === undefined ? '' : ` from '${specifier(statement.from)}'`
      return [`${statement.kind} ${statement.typeOnly ? 'type ' : ''}{ ${list.join(', ')} }${from};`]
    })
    if (lines.length > 0 || options.entries.includes(path)) result.set(path, `${lines.join('\n')}\nexport {};\n`)
  }
  return result
}

function parse(text: string): Statement[] {
  const chunks: string[] = []
  let onlyComment = false
  for (const line of text.split('\n')) {
    const isComment = /^\/[/*]/.test(line)
    if (isComment || /^(?:export|import|declare|interface|type|abstract|class|const|function)\b/.test(line)) {
      // The first comment of a file may be followed by another one: the nearest belongs to the statement.
      if (onlyComment && !isComment) chunks.push(`${chunks.pop()}\n${line}`)
      else chunks.push(line)
      onlyComment = isComment
    } else if (chunks.length > 0 && line.trim() !== '') chunks.push(`${chunks.pop()}\n${line}`)
  }
  return chunks.flatMap(readStatement)
}

function readStatement(text: string): Statement[] {
  const code = withoutComments(text).trim()
  if (code === '' || code === 'export {};') return []
  const star = /^export (type )?\* from ['"]([^'"]+)['"]/.exec(code)
  if (star) return [{ text, kind: 'star', from: star[2] as string, typeOnly: star[1] !== undefined }]
  const list = /^(import|export) (type )?\{([^}]*)\}(?: from ['"]([^'"]+)['"])?/.exec(code)
  if (list) {
    const bindings = new Map<string, string>()
    for (const item of (list[3] as string).split(',')) {
      const [original, renamed] = item
        .trim()
        .replace(/^type /, '')
        .split(/ as /)
      if (original) bindings.set(renamed ?? original, original)
    }
    // `export { type A, b }`: in a declaration file, everything is a type to who reads it; classes must stay values.
    const from = list[4] === undefined ? {} : { from: list[4] }
    return [{ text, kind: list[1] as 'import' | 'export', bindings, typeOnly: list[2] !== undefined, ...from }]
  }
  const declaration =
    /^(?:export )?(?:declare )?(?:abstract )?(?:const|let|function|class|interface|type|namespace) ([\w$]+)/.exec(code)
  if (!declaration) throw new Error(`a declaration that shake-declarations.ts does not know: ${code.slice(0, 200)}`)
  return [{ text, kind: 'declaration', name: declaration[1] as string, typeOnly: false }]
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}
