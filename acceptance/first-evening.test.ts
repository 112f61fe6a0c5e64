/**
 * An author's first evening, as they live it: create a konnector somewhere, install it with their own npm or yarn 1 and
 * the Node of their machine, run, test and build it. No import from packages.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const bins = join(root, 'node_modules/.bin')

/** The author's machine: its own Node, not the one this repository pins, and nothing of ours in the environment. */
const authorPath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter(folder => !folder.includes('node_modules'))
  .join(delimiter)

interface Ended {
  code: number | null
  output: string
}

function run(command: string, args: string[], cwd: string, path = authorPath): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { PATH: path, HOME: process.env.HOME, CI: 'true', npm_config_cache: process.env.npm_config_cache }
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
    child.on('error', reject).on('close', code => resolve({ code, output }))
  })
}

async function succeed(command: string, args: string[], cwd: string, path?: string): Promise<string> {
  const { code, output } = await run(command, args, cwd, path)
  assert.equal(code, 0, `${command} ${args.join(' ')} ended with ${code}:\n${output}`)
  return output
}

const yarn = join(root, 'node_modules/yarn/bin/yarn.js')
const yarn1: Tool = {
  install: ['node', [yarn, 'install', '--non-interactive', '--no-progress']],
  script: name => ['node', [yarn, '--silent', name]],
}
const npm: Tool = {
  install: ['npm', ['install', '--no-audit', '--no-fund']],
  script: name => ['npm', ['run', '--silent', name]],
}

interface Tool {
  install: [string, string[]]
  script(name: string): [string, string[]]
}

const evenings: [name: string, template: string[], tool: Tool][] = [
  ['yarn 1, JavaScript', [], yarn1],
  ['npm, TypeScript', ['--typescript'], npm],
  // The crossed pairs only in the long round: each is half a minute of installing.
  ...(process.env.KONNECTORY_LONG
    ? ([
        ['npm, JavaScript', [], npm],
        ['yarn 1, TypeScript', ['--typescript'], yarn1],
      ] as typeof evenings)
    : []),
]

for (const [name, template, { install, script }] of evenings) {
  test(`create, install, standalone, test, build, run the build (${name})`, { timeout: 280_000 }, async () => {
    const place = mkdtempSync(join(tmpdir(), 'first-evening-'))
    const project = join(place, 'my-konnector')
    try {
      await succeed(
        join(bins, 'konnectory'),
        ['create', 'my-konnector', ...template],
        place,
        `${bins}${delimiter}${authorPath}`,
      )
      assert.deepEqual(Object.keys(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).scripts).sort(), [
        'build',
        'deploy',
        'dev',
        'standalone',
        'start',
        'test',
      ])
      await succeed(...install, project)

      const first = await succeed(...script('standalone'), project)
      assert.match(first, /io\.cozy\.bills/)
      const pdfs = readdirSync(project, { recursive: true, encoding: 'utf8' }).filter(
        file => file.endsWith('.pdf') && !file.startsWith('node_modules'),
      )
      assert.ok(pdfs.length > 0, `no PDF arrived:\n${first}`)
      for (const file of pdfs) assert.equal(readFileSync(join(project, file)).subarray(0, 5).toString(), '%PDF-')
      const before = pdfs.map(file => statSync(join(project, file)).mtimeMs)
      await succeed(...script('standalone'), project)
      assert.deepEqual(
        pdfs.map(file => statSync(join(project, file)).mtimeMs),
        before,
        'the second run wrote files again',
      )

      await succeed(...script('test'), project)
      await succeed(...script('build'), project)
      assert.ok(statSync(join(project, 'build/index.js')).size <= 1.5 * 1024 * 1024)
      await succeed('node', ['build'], project)

      // On a server the folder stands alone: no node_modules, no package.json, nothing in the environment.
      const alone = join(place, 'alone')
      cpSync(join(project, 'build'), alone, { recursive: true })
      const lonely = await run('node', [alone], place)
      assert.equal(lonely.code, 1)
      assert.match(lonely.output, /COZY_URL/)
      assert.ok(existsSync(join(alone, 'manifest.konnector')))
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
  })
}
