import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { run } from '../../src/program.ts'
import { explainFileError } from '../../src/terminal/file-error.ts'
import { CONFIG, capture, MANIFEST, makeProject } from '../help/project.ts'

const GOOD = { 'manifest.konnector': MANIFEST, 'konnector-dev-config.json': CONFIG, 'src/index.js': '1' }

/** What an author reads after a mistake: one message, no stack trace, exit code 1. */
async function message(files: Record<string, string | object>, args: string[], env: NodeJS.ProcessEnv = {}) {
  await using project = await makeProject({ ...GOOD, ...files })
  const captured = capture(project.root, { DEBUG: '', ...env })
  assert.equal(await run(args, captured.terminal), 1)
  const said = captured.stderr()
  assert.doesNotMatch(said, /^ {4}at /m)
  return said.replaceAll(project.root, '.')
}

describe('mistakes of an author', () => {
  const mistakes: [what: string, files: Record<string, string | object>, args: string[], said: RegExp][] = [
    ['syntax', { 'src/index.js': 'const a = {' }, ['standalone'], /^ERROR: src\/index\.js:1:12: Expected identifier/],
    ['a folder for a script', { 'lib/a.js': '' }, ['standalone', 'lib'], /lib is a folder without an index script/],
    [
      'a manifest with a trailing comma',
      { 'manifest.konnector': '{"slug": "a",}' },
      ['standalone'],
      /not JSON: .*line 1 column 14.*trailing commas are not allowed/,
    ],
    ['package.json', { 'package.json': '{,' }, ['standalone'], /^ERROR: package\.json is not JSON: .*line 1 column 2/],
    [
      'a fixture',
      { 'fixture.json': '{"a": [}' },
      ['standalone'],
      /fixture\.json is not valid JSON: .*line 1, column 8/,
    ],
    [
      'a fixture of another shape',
      { 'fixture.json': { 'io.cozy.bills': {} } },
      ['standalone'],
      /^ERROR: \.\/fixture\.json: "io\.cozy\.bills" should be an array of documents\n$/,
    ],
    [
      'no recording',
      {},
      ['standalone', '--replay'],
      /no recording \.\/fixtures\/standalone\.har\. Make one with: .*--record/,
    ],
    [
      'a broken recording',
      { 'fixtures/standalone.har': '{' },
      ['standalone', '--replay'],
      /is not JSON: .*Make it anew/,
    ],
    ['a pin', {}, ['standalone', '--host', 'x=a b'], /Cannot read the host pin "x=a b": write name=address:port/],
    [
      'a folder that is a file',
      { data: '' },
      ['standalone', '--dir', 'data/x'],
      /\.\/data\/x cannot be written\. .*--dir/,
    ],
    [
      'a place for recordings that is a file',
      { fixtures: '' },
      ['standalone', '--record'],
      /\.\/fixtures cannot be written\. The recording goes there/,
    ],
    [
      'a config of other types',
      { 'konnector-dev-config.json': { fields: {}, demoVendor: 'yes' } },
      ['standalone'],
      /"demoVendor" must be true, false or an object/,
    ],
    [
      'an address of another type',
      { 'konnector-dev-config.json': { COZY_URL: 8080 } },
      ['standalone'],
      /"COZY_URL" must be a string/,
    ],
    [
      'a client-side konnector',
      { 'package.json': { dependencies: { 'cozy-clisk': '1' } } },
      ['standalone'],
      /client-side konnector.*neither runs nor builds it/,
    ],
  ]
  for (const [what, files, args, said] of mistakes)
    it(what, async () => {
      assert.match(await message(files, args), said)
    })

  it('what the system refuses is said in words, with the path', () => {
    const refusal = (code: string) => Object.assign(new Error(`${code}: no`), { code, path: '/a/b' })
    assert.equal(
      explainFileError(refusal('EACCES')),
      'No permission for /a/b: change its rights or its owner, or work in a folder of yours. (EACCES: no)',
    )
    assert.match(String(explainFileError(refusal('ENOSPC'))), /^The disk is full/)
    assert.equal(explainFileError(refusal('EISDIR')), 'EISDIR: no')
    assert.equal(explainFileError(new Error('other')), undefined)
  })

  it('an error that nobody foresaw is short, and shows its stack to who sets DEBUG', async () => {
    await using project = await makeProject(GOOD)
    const broken = (DEBUG: string) => {
      const captured = capture(project.root, { DEBUG })
      const { terminal } = captured
      const unreadable = {
        ...terminal,
        get cwd(): string {
          throw new TypeError('boom')
        },
      }
      return run(['standalone'], unreadable).then(() => captured.stderr())
    }
    assert.match(await broken(''), /^ERROR: boom\nThis was not foreseen: DEBUG=konnectory in the environment/)
    assert.match(await broken('konnectory'), /TypeError: boom\n {4}at /)
  })

  it('Ctrl-C at a question ends the command: 130, nothing run, nothing filled in', async () => {
    await using project = await makeProject({ ...GOOD, 'konnector-dev-config.json': { fields: {} } })
    const program = new URL('../../src/program.ts', import.meta.url).href
    const script = `
      import { PassThrough, Writable } from 'node:stream'
      import { run } from ${JSON.stringify(program)}
      const tty = stream => Object.assign(stream, { isTTY: true })
      const terminalIsOpen = setInterval(() => {}, 10_000)
      let said = ''
      const stderr = tty(new Writable({ write(chunk, _, done) {
        process.stderr.write(chunk)
        said += chunk
        if (said.endsWith('[Y/n] ')) process.kill(process.pid, 'SIGINT')
        done()
      } }))
      process.exitCode = await run(['standalone'], { stdin: tty(new PassThrough()), stdout: process.stdout, stderr, env: {}, cwd: ${JSON.stringify(project.root)} })
      clearInterval(terminalIsOpen)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 20_000,
    })
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    assert.equal(code, 130, said)
    assert.match(said, /Fill in now\? \[Y\/n\] \n/)
    assert.deepEqual(await project.json('konnector-dev-config.json'), { fields: {} })
  })
})
