/**
 * The plan of the house as a test: who may import whom (docs/decisions/0001-the-house.md), and every imported package is
 * declared where it is used. Reads the import statements as text: no dependency, well under a second.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, relative, resolve, sep } from 'node:path'
import { test } from 'node:test'

const root = import.meta.dirname

/** Which of our packages each package may import in its shipped code (`src`). Tests may use more. */
const mayImport: Record<string, string[]> = {
  '@konnectory/protocol': [],
  '@konnectory/client': ['@konnectory/protocol'],
  '@konnectory/standalone': ['@konnectory/protocol'],
  '@konnectory/sdk': ['@konnectory/protocol', '@konnectory/client'],
  '@konnectory/libs': ['@konnectory/protocol', '@konnectory/client', '@konnectory/sdk', '@konnectory/standalone'],
  '@konnectory/testkit': ['@konnectory/protocol'],
  '@konnectory/runner': ['@konnectory/protocol'],
  '@konnectory/stack': ['@konnectory/protocol', '@konnectory/runner'],
  konnectory: [
    '@konnectory/protocol',
    '@konnectory/client',
    '@konnectory/sdk',
    '@konnectory/libs',
    '@konnectory/standalone',
    '@konnectory/testkit',
    '@konnectory/runner',
  ],
}

interface Package {
  name: string
  folder: string
  dependencies: Set<string>
  devDependencies: Set<string>
}

const packages: Package[] = globSync('packages/*/package.json', { cwd: root }).map(file => {
  const manifest = JSON.parse(readFileSync(join(root, file), 'utf8'))
  return {
    name: manifest.name,
    folder: join(root, file, '..'),
    dependencies: new Set(
      Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }),
    ),
    devDependencies: new Set(Object.keys(manifest.devDependencies ?? {})),
  }
})

/**
 * Specifiers of imports, re-exports, dynamic imports and requires with a literal. Tests carry sources of konnectors in
 * texts; of them only what stands at the left margin, as an import does, counts.
 */
function specifiers(source: string, isTest: boolean): string[] {
  const code = source
    .replace(/`(?:[^`\\]|\\[\s\S])*`/g, '``')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
  const imports = /^(?:import|export|\})\s?[^'"`;()]*?from\s*['"]([^'"\n]+)['"]|^import\s*['"]([^'"\n]+)['"]/gm
  const calls = /\b(?:import|require)\(\s*['"]([^'"\n]+)['"]\s*\)/g
  const found = [...code.matchAll(imports), ...(isTest ? [] : code.matchAll(calls))]
  return found.map(match => match[1] ?? match[2] ?? '')
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}

function* importsOf(folder: string, isTest: boolean): Generator<{ file: string; specifier: string }> {
  for (const file of globSync('**/*.{ts,mts,cts,cjs,mjs}', {
    cwd: folder,
    exclude: name => name === 'node_modules' || name === 'examples',
  })) {
    for (const specifier of specifiers(readFileSync(join(folder, file), 'utf8'), isTest))
      yield { file: join(folder, file), specifier }
  }
}

test('every package is in the plan', () => {
  assert.deepEqual(
    packages.map(({ name }) => name).sort(),
    Object.keys(mayImport).sort(),
    'add the new package to mayImport and to docs/decisions/0001-the-house.md',
  )
})

for (const { name, folder, dependencies, devDependencies } of packages) {
  test(`${name} imports only what it may, and declares it`, () => {
    const problems: string[] = []
    for (const part of ['src', 'test']) {
      for (const { file, specifier } of importsOf(join(folder, part), part === 'test')) {
        const where = relative(root, file)
        if (specifier.startsWith('.')) {
          const reached = resolve(file, '..', specifier)
          const isScript = part === 'test' && reached.startsWith(join(root, 'scripts') + sep)
          if (!reached.startsWith(folder + sep) && !isScript)
            problems.push(`${where} reaches into another package with ${specifier}: import the package by name`)
          continue
        }
        if (isBuiltin(specifier)) {
          if (!specifier.startsWith('node:')) problems.push(`${where} imports ${specifier}: write node:${specifier}`)
          continue
        }
        // Inside a package, by its own `imports`: the rooms have their test below.
        if (specifier.startsWith('#')) continue
        const imported = packageOf(specifier)
        const ours = mayImport[imported] !== undefined
        if (imported === name || undeclaredOnPurpose(where, imported)) continue
        if (part === 'src' && ours && !mayImport[name]?.includes(imported))
          problems.push(
            `${where} imports ${imported}: ${name} may only import ${mayImport[name]?.join(', ') || 'nothing of ours'}`,
          )
        if (
          !dependencies.has(imported) &&
          !(part === 'test' && devDependencies.has(imported)) &&
          !(part === 'test' && ours)
        ) {
          problems.push(`${where} imports ${imported}, which ${relative(root, folder)}/package.json does not declare`)
        }
      }
    }
    assert.equal(problems.length, 0, `\n${problems.join('\n')}`)
  })
}

/** Rooms of the stack; each may import only those before it, and only through their door (docs/decisions/0001-the-house.md). */
const ROOMS = [
  'instances',
  'permissions',
  'oauth',
  'data',
  'files',
  'accounts',
  'jobs',
  'triggers',
  'registry',
  'konnectors',
  'realtime',
  'settings',
]

test('the rooms of the stack: all in the plan, each knows only those above it, the ground knows none', () => {
  const source = join(root, 'packages/stack/src')
  const there = globSync('rooms/*', { cwd: source }).map(folder => folder.slice('rooms/'.length))
  const unknown = there.filter(room => !ROOMS.includes(room))
  assert.deepEqual(unknown, [], 'add the room to ROOMS, at its place')

  const problems: string[] = []
  const check = (folder: string, mayUse: (room: string) => string | undefined) => {
    for (const { file, specifier } of importsOf(join(source, folder), false)) {
      const where = relative(root, file)
      if (specifier.startsWith('.') && !resolve(file, '..', specifier).startsWith(join(source, folder) + sep))
        problems.push(`${where} leaves its folder with ${specifier}: use #ground/… or #rooms/<room>`)
      const room = /^#rooms\/(.+)$/.exec(specifier)?.[1]
      const problem = room === undefined ? undefined : mayUse(room)
      if (problem) problems.push(`${where} imports ${specifier}: ${problem}`)
    }
  }
  check('ground', () => 'the ground knows no room')
  for (const [index, name] of ROOMS.entries())
    check(join('rooms', name), room => {
      if (!ROOMS.includes(room)) return 'only the door of a room can be imported'
      if (ROOMS.indexOf(room) >= index) return `${name} stands above ${room}; let it listen to an event instead`
      return undefined
    })
  assert.equal(problems.length, 0, `\n${problems.join('\n')}`)
})

/** Optional things that a konnector brings itself; each is asked for in a try block with a clear message when absent. */
function undeclaredOnPurpose(file: string, imported: string): boolean {
  return file.startsWith('packages/libs/') && ['pdfjs', 'pdfjs-dist', 'zombie'].includes(imported)
}
