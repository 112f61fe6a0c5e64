/** The CI files of a created konnector: their own lines, executed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { test } from 'node:test'
import { packageJson } from '../../src/create/package-json.ts'
import { type Choices, writeTemplate } from '../../src/create/template.ts'
import { GIT_ENV, gitIn } from './help.ts'

const MODULES = resolve(import.meta.dirname, '../../../../node_modules')

test('the build and deploy steps of .travis.yml and of the workflow', { timeout: 120_000 }, async () => {
  const top = mkdtempSync(join(tmpdir(), 'konnectory-ci-'))
  try {
    const project = join(top, 'shop')
    const remote = join(top, 'remote.git')
    mkdirSync(project)
    const choices: Choices = { slug: 'shop', name: 'Shop', vendorUrl: 'https://shop.example', language: 'javascript' }
    await writeTemplate(project, choices)
    const made = packageJson(choices, { rangeOf: () => '*', pins: {} })
    writeFileSync(join(project, 'package.json'), JSON.stringify(made))
    symlinkSync(MODULES, join(project, 'node_modules'))
    gitIn(top, ['init', '-q', '--bare', '--initial-branch=master', remote])
    gitIn(project, ['init', '-q', '--initial-branch=master'])
    appendFileSync(join(project, '.git/info/exclude'), '/node_modules\n')
    gitIn(project, ['add', '.'])
    gitIn(project, ['commit', '-qm', 'first'])
    gitIn(project, ['remote', 'add', 'origin', remote])
    // As services do.
    gitIn(project, ['checkout', '-q', '--detach'])

    const step = (script: string, env: NodeJS.ProcessEnv = {}) => {
      const PATH = `${join(MODULES, '.bin')}${delimiter}${process.env.PATH}`
      const all = { ...process.env, ...GIT_ENV, PATH, ...env }
      const { status, stdout, stderr } = spawnSync('sh', ['-ec', script], { cwd: project, env: all, encoding: 'utf8' })
      assert.equal(status, 0, `${script}\n${stdout}${stderr}`)
    }
    const travis = readFileSync(join(project, '.travis.yml'), 'utf8')
    assert.match(travis, /^ {2}- yarn build$/m)
    step('yarn build')
    step(/^deploy:\n(?: {2}.*\n)*? {2}script: (.*)$/m.exec(travis)?.[1] ?? 'false')
    const first = gitIn(remote, ['rev-parse', 'build'])
    assert.equal(gitIn(remote, ['ls-tree', '-r', '--name-only', 'build']), 'icon.svg\nindex.js\nmanifest.konnector')

    writeFileSync(join(project, 'assets/more.txt'), 'more')
    const workflow = readFileSync(join(project, '.github/workflows/build.yml'), 'utf8')
    const [, block = '', branch = ''] =
      /run: \|\n((?: {10}.*\n)+) {8}env:\n {10}DEPLOY_BRANCH: (.*)\n/.exec(workflow) ?? []
    assert.match(block, /yarn deploy/)
    assert.match(workflow, /^ {6}- run: yarn build$/m)
    step('yarn build')
    step(block.replaceAll(/\$\{\{ github\.actor \}\}/g, 'octo'), {
      ...Object.fromEntries(
        Object.keys(GIT_ENV)
          .filter(name => !name.includes('CONFIG'))
          .map(name => [name, undefined]),
      ),
      DEPLOY_BRANCH: branch,
    })
    assert.equal(gitIn(remote, ['rev-parse', 'build^']), first)
    assert.equal(gitIn(remote, ['log', '-1', '--format=%an <%ae>', 'build']), 'octo <octo@users.noreply.github.com>')
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
})
