import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ALIASES } from '../../src/program.ts'
import { CONFIG, MANIFEST, makeProject } from '../help/project.ts'

const source = new URL('../../src/', import.meta.url).pathname

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a bin as a process of its own. */
function bin(
  script: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
  onStdout?: (text: string, pid: number) => void,
): Promise<Ended> {
  const { FORCE_COLOR: _color, ...base } = process.env
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: { ...base, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    onStdout?.(stdout, child.pid!)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) =>
    child.once('error', reject).once('close', code => resolve({ code, stdout, stderr })),
  )
}

const konnectory = (args: string[], cwd = '/tmp', env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  bin(join(source, 'bin.ts'), args, cwd, env)

test('help is grouped and friendly, with and without arguments; colours only when asked for', async () => {
  const help = await konnectory(['--help'])
  assert.equal(help.code, 0)
  for (const text of [
    /Usage: konnectory/,
    /Run and try:\n {2}standalone/,
    /Check and ship:/,
    /create/,
    /A first evening:/,
  ])
    assert.match(help.stdout, text)
  assert.ok(!help.stdout.includes('\u001b['))
  assert.ok(!/\bdev\b|publish/.test(help.stdout), 'what is not there is not offered')
  const none = await konnectory([])
  assert.deepEqual([none.code, none.stdout], [0, help.stdout])
  const coloured = await konnectory(['--help'], '/tmp', { FORCE_COLOR: '1' })
  assert.ok(coloured.stdout.includes('\u001b[1m'))
})

test('an unknown command or option exits with 1 and suggests the nearest', async () => {
  const command = await konnectory(['standalne'])
  assert.equal(command.code, 1)
  assert.match(command.stderr, /unknown command 'standalne'\n\(Did you mean standalone\?\)/)
  const option = await konnectory(['standalone', '--recrod'])
  assert.equal(option.code, 1)
  assert.match(option.stderr, /unknown option '--recrod'\n\(Did you mean --record\?\)/)
  const value = await konnectory(['standalone', '--time-limit', 'soon'])
  assert.equal(value.code, 1)
  assert.match(value.stderr, /whole number of seconds/)
})

test('--version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(join(source, '../package.json'), 'utf8'))
  assert.equal((await konnectory(['--version'])).stdout, `${version}\n`)
})

test('commands of later versions say so', async () => {
  for (const name of ['dev', 'publish']) {
    const { code, stderr } = await konnectory([name, '--any', 'thing'])
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`^ERROR: konnectory ${name} .*this version`))
  }
})

test('a missing script: the sentence of old, exit 1', async () => {
  await using project = await makeProject({ 'manifest.konnector': MANIFEST })
  const { code, stderr } = await konnectory(['standalone', 'nowhere.js'], project.root)
  assert.equal(code, 1)
  assert.match(stderr, /^ERROR: File .*nowhere\.js does not exist\. .*cannot run it\.\n$/)
})

test('the old names run their command, by their own file and by the name of a link', async () => {
  const { bin: bins } = JSON.parse(await readFile(join(source, '../package.json'), 'utf8')) as {
    bin: Record<string, string>
  }
  assert.deepEqual(
    Object.keys(bins)
      .filter(name => name.startsWith('cozy-'))
      .sort(),
    Object.keys(ALIASES).sort(),
  )
  await using project = await makeProject({})
  for (const [name, command] of Object.entries(ALIASES)) {
    const own = await bin(join(source, '..', bins[name]!), ['--help'], project.root)
    assert.match(own.stdout, new RegExp(`Usage: konnectory ${command}`), name)
    assert.equal(own.code, 0)
    const link = join(project.root, name)
    await symlink(join(source, 'bin.ts'), link)
    const linked = await bin(link, ['--help'], project.root)
    assert.equal(linked.stdout, own.stdout, `${name} as a link`)
  }
})

test('Ctrl-C ends the konnector and exits with 130', async () => {
  await using project = await makeProject({
    'manifest.konnector': MANIFEST,
    'konnector-dev-config.json': CONFIG,
    'index.js': "console.log('READY ' + process.pid); setInterval(() => {}, 1000)",
  })
  let sent = false
  const { code, stdout } = await bin(join(source, 'bin.ts'), ['standalone'], project.root, {}, (text, pid) => {
    if (sent || !/READY \d+\n/.test(text)) return
    sent = true
    process.kill(pid, 'SIGINT')
  })
  assert.equal(code, 130)
  assert.throws(() => process.kill(Number(/READY (\d+)/.exec(stdout)![1]), 0), /ESRCH/)
})
