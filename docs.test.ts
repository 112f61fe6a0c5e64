/**
 * The documentation says what is there: links lead somewhere, commands and options exist, JSON parses, and each dependency has its
 * line. What the guide shows is run by guide.test.ts.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { type CommandContext, createProgram } from './packages/cli/src/program.ts'
import { parseJsonWithComments } from './packages/standalone/src/json-with-comments.ts'

const root = import.meta.dirname

interface Page {
  file: string
  text: string
}

const pages: Page[] = globSync(['*.md', 'docs/**/*.md', 'konnectors/*/README.md', 'packages/**/*.md'], {
  cwd: root,
  exclude: name => name === 'node_modules' || name === 'fixtures',
})
  .sort()
  .map(file => ({ file, text: readFileSync(join(root, file), 'utf8') }))

const scripts = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts)
/** Those of a created konnector. */
const konnectorScripts = ['start', 'standalone', 'dev', 'build', 'deploy', 'test']

const program = createProgram({ terminal: { stdout: process.stdout, env: {} }, exit() {} } as unknown as CommandContext)
const commands = new Map(
  program.commands.map(command => [
    command.name(),
    // Those of commands below it (`konnectory instances add`) too.
    new Set(
      [command, ...command.commands].flatMap(({ options }) => options.flatMap(({ short, long }) => [short, long])),
    )
      .add('--help')
      .add('-h'),
  ]),
)

/** As GitHub makes them of headings. */
function anchors(text: string): Set<string> {
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)
  return new Set(
    Array.from(headings, ([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  )
}

test('there are pages, and the index names each of docs/', () => {
  assert.ok(pages.length > 20)
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8')
  for (const { file } of pages) {
    if (file.startsWith('docs/') && file !== 'docs/README.md')
      assert.ok(index.includes(`(${file.slice('docs/'.length)})`), `docs/README.md does not name ${file}`)
  }
})

test('relative links and their anchors lead somewhere', () => {
  for (const { file, text } of pages) {
    const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '``')
    for (const [, link = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? join(root, file) : resolve(root, dirname(file), path)
      assert.ok(existsSync(target), `${file}: ${link} is not there`)
      if (anchor !== undefined && target.endsWith('.md')) {
        assert.ok(anchors(readFileSync(target, 'utf8')).has(anchor), `${file}: ${link} has no such heading`)
      }
    }
  }
})

test('files of the repository that are named in backticks are there', () => {
  for (const { file, text } of pages) {
    for (const [, path = ''] of text.matchAll(/`((?:packages|konnectors|scripts|docs|bench|acceptance)\/[^\s`*<…]+)`/g))
      assert.ok(existsSync(join(root, path)), `${file}: ${path} is not there`)
  }
})

test('npm scripts exist', () => {
  for (const { file, text } of pages) {
    for (const [, name = ''] of text.matchAll(/\bnpm run ([a-z][\w:-]*)/g))
      assert.ok(scripts.includes(name) || konnectorScripts.includes(name), `${file}: npm run ${name} does not exist`)
    for (const [, name = ''] of text.matchAll(/\byarn (?!install|add|…)([a-z]+)\b(?=`| {2}|\n)/g))
      assert.ok(konnectorScripts.includes(name), `${file}: yarn ${name} does not exist`)
  }
})

test('commands and options of konnectory exist', () => {
  let seen = 0
  for (const { file, text } of pages) {
    for (const [line] of text.matchAll(/\bkonnectory (?!is\b|has\b)[a-z]+[^`\n#│|]*/g)) {
      const [, name = '', ...rest] = line.split(/\s+/)
      if (/[,.;:]$/.test(name) || !/^[a-z]+$/.test(name)) continue
      const options = commands.get(name)
      assert.ok(options, `${file}: konnectory ${name} does not exist`)
      seen++
      for (const option of rest.join(' ').match(/(?<![\w-])--?[a-z][a-z-]*/g) ?? [])
        assert.ok(options.has(option), `${file}: konnectory ${name} has no ${option}`)
    }
    for (const [, name = '', rest = ''] of text.matchAll(/\bnpm run (standalone|build|test) -- ([^`\n#]*)/g)) {
      for (const option of rest.match(/(?<![\w-])--?[a-z][a-z-]*/g) ?? [])
        assert.ok(commands.get(name)?.has(option), `${file}: ${name} has no ${option}`)
    }
  }
  assert.ok(seen > 20, `${seen} commands found`)
})

test('every option of a command is on its page', () => {
  const pageOf: Record<string, string> = {
    create: 'create',
    standalone: 'standalone',
    test: 'test',
    build: 'build',
    deploy: 'deploy',
    shell: 'shell',
    serve: 'serve',
    instances: 'instances',
  }
  for (const [name, page] of Object.entries(pageOf)) {
    const text = readFileSync(join(root, `docs/reference/${page}.md`), 'utf8')
    for (const option of commands.get(name) ?? []) {
      if (option?.startsWith('--') && option !== '--help')
        assert.ok(text.includes(option), `docs/reference/${page}.md does not name ${option}`)
    }
  }
})

test('fenced JSON parses, TypeScript and JavaScript are code', () => {
  for (const { file, text } of pages) {
    for (const [, language, code = ''] of text.matchAll(/^```(json|jsonc|ts|js)\n([\s\S]*?)^```/gm)) {
      const where = `${file}:\n${code}`
      if (language === 'ts') assert.doesNotThrow(() => stripTypeScriptTypes(code), where)
      else if (language === 'js') assert.doesNotThrow(() => stripTypeScriptTypes(code), where)
      else assert.doesNotThrow(() => parsePart(code, language === 'jsonc'), where)
    }
  }
})

/** A document, or members of one. */
function parsePart(code: string, comments: boolean): void {
  const whole = /^\s*[[{]/.test(code) ? code : `{${code}}`
  if (comments) parseJsonWithComments(whole, 'a page')
  else JSON.parse(whole)
}

test('each dependency has its line, and each line its dependency', () => {
  const page = readFileSync(join(root, 'docs/decisions/dependencies.md'), 'utf8')
  const lines = [...page.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
  const named = (name: string) =>
    lines.some(line => (line.endsWith('*') ? name.startsWith(line.slice(0, -1)) : line === name))
  const used = globSync(['package.json', 'packages/*/package.json'], { cwd: root }).flatMap(file => {
    const manifest = JSON.parse(readFileSync(join(root, file), 'utf8'))
    return Object.keys({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    }).filter(name => !/^(@konnectory\/|konnectory$)/.test(name))
  })
  for (const name of used) assert.ok(named(name), `docs/decisions/dependencies.md does not say why ${name}`)
  for (const line of lines) {
    const prefix = line.replace(/\*$/, '')
    assert.ok(
      used.some(name => (line.endsWith('*') ? name.startsWith(prefix) : name === line)),
      `${line} is on the page, and nobody uses it`,
    )
  }
})

test('every file of a template is in git, or would be', () => {
  const files = globSync('packages/cli/templates/**/*', { cwd: root, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
  assert.ok(files.length > 10)
  let ignored = ''
  try {
    ignored = execFileSync('git', ['check-ignore', ...files], { cwd: root, encoding: 'utf8' })
  } catch (error) {
    // 1: none of them.
    if ((error as { status?: number }).status !== 1) throw error
  }
  assert.equal(ignored, '', 'git ignores files that konnectory create needs')
})
