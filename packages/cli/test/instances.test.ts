import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { findAdministration } from '../src/server-admin/find.ts'
import { bytes } from '../src/server-admin/options.ts'
import { derivePassphrase } from '../src/server-admin/secrets.ts'
import type { Terminal } from '../src/terminal/output.ts'
import { type Command, startCommand } from './help/command.ts'

const BIN = join(import.meta.dirname, '../src/bin.ts')
const folder = mkdtempSync(join(tmpdir(), 'konnectory-cli-instances-'))
// The database of a server that root starts runs as another user, who must be able to enter.
chmodSync(folder, 0o755)
const data = join(folder, 'data')
let server: Command
let url: string

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** `konnectory ...args` with this data folder; `input` is its standard input. */
function run(
  args: string[],
  { input = '', env = {} }: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const { FORCE_COLOR: _color, ...base } = process.env
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: folder,
    env: { ...base, KONNECTORY_DATA: data, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  // A command that does not read its input may be gone before it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', code => resolve({ code, stdout, stderr }))
  })
}

const instances = (args: string[], options?: Parameters<typeof run>[1]) => run(['instances', ...args], options)

async function done(args: string[], options?: Parameters<typeof run>[1]): Promise<string> {
  const { code, stdout, stderr } = await instances(args, options)
  assert.equal(code, 0, `${args.join(' ')}\n${stdout}${stderr}`)
  return stdout.trim()
}

// A whole server, started as a person does. Its first start makes a database.
before(
  async () => {
    server = startCommand(['serve', '--data', data, '--port', '0', '--admin-port', '0'], folder)
    url = (await server.says(/Konnectory answers at (\S+) /))[1]!
  },
  { timeout: 120_000 },
)

after(async () => {
  server.child.kill('SIGTERM')
  const { code, output } = await server.ended
  rmSync(folder, { recursive: true, force: true })
  assert.equal(code, 0, output)
  assert.match(output, /"message":"stopping","reason":"SIGTERM"/)
})

test('an instance is made, listed, shown, changed, moved, destroyed', async () => {
  const added = await done([
    'add',
    'Alice.localhost',
    '--locale',
    'fr',
    '--email',
    'a@b.net',
    '--public-name',
    'Alice',
    '--quota',
    '20GB',
  ])
  assert.match(
    added,
    /^alice\.localhost is there\. Choose its password at\nhttp:\/\/alice\.localhost:\d+\/auth\/passphrase\?registerToken=[0-9a-f]{32}$/,
  )
  assert.match(await done(['ls']), /^alice\.localhost {2}fr {2}no password yet$/m)
  assert.match(await done(['show', 'alice.localhost']), /name +Alice\n[\s\S]*quota +20 GB/)
  const changed = JSON.parse(
    await done(['modify', 'alice.localhost', '--quota', 'none', '--blocked', 'UNKNOWN', '--json']),
  )
  assert.deepEqual([changed.ok, changed.instance.quota_bytes, changed.instance.blocked], [true, undefined, 'UNKNOWN'])
  assert.match(
    await done(['modify', 'alice.localhost', '--blocked', 'none', '--domain', 'moved.localhost']),
    /moved from +alice\.localhost/,
  )
  const again = await instances(['show', 'alice.localhost'])
  assert.deepEqual(
    [again.code, again.stdout, again.stderr],
    [1, '', 'ERROR: There is no instance at alice.localhost\n'],
  )

  const asked = await instances(['destroy', 'moved.localhost'])
  assert.equal(asked.code, 1)
  assert.match(asked.stderr, /--yes destroys moved\.localhost without asking/)
  assert.match(await done(['show', 'moved.localhost']), /url/)
  assert.equal(await done(['destroy', 'moved.localhost', '--yes']), 'moved.localhost is destroyed.')
  assert.equal(await done(['ls']), 'No instances.')
})

test('what the server refuses is its sentence and exit code 1; as JSON when asked', async () => {
  await done(['add', 'taken.localhost'])
  for (const [args, sentence] of [
    [['add', 'taken.localhost'], /already/],
    [['add', 'a b'], /no spaces/],
    [['add', 'b.localhost', '--tz', 'Mars'], /not a time zone/],
    [['add', 'b.localhost', '--quota', 'much'], /number of bytes/],
    [['modify', 'taken.localhost'], /Nothing to change/],
    [['modify', 'taken.localhost', '--blocked', 'BECAUSE'], /./],
    [['destroy', 'nobody.localhost', '--yes'], /no instance/],
    [['token-app', 'nobody.localhost', 'home'], /no instance/i],
    [['token-oauth', 'taken.localhost', 'unknown', 'io.cozy.files'], /client/],
  ] as [string[], RegExp][]) {
    const { code, stdout, stderr } = await instances(args)
    assert.deepEqual([code, stdout], [1, ''], args.join(' '))
    assert.match(stderr, sentence)
    assert.ok(!/at .*\.ts:/.test(stderr), stderr)
  }
  const json = await instances(['add', 'taken.localhost', '--json'])
  assert.equal(json.code, 1)
  assert.match(JSON.parse(json.stdout).error, /already/)
  const unknown = await instances(['lst'])
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /unknown command 'lst'/)
})

test('a password is never on the command line: from a file or the standard input, derived before it is sent', async () => {
  writeFileSync(join(folder, 'pass'), 'correct horse\n')
  await done(['add', 'pass.localhost', '--passphrase-file', 'pass'])
  const signIn = async (passphrase: string) => {
    const body = { passphrase: await derivePassphrase(passphrase, 'me@pass.localhost', 650_000) }
    const { hostname, port } = new URL(url)
    return await postJson(`http://${hostname}:${port}/auth/login`, body, 'pass.localhost')
  }
  assert.equal(await signIn('correct horse'), 200)
  await done(['set-passphrase', 'pass.localhost', '--passphrase-file', '-'], { input: 'other horse' })
  assert.deepEqual([await signIn('correct horse'), await signIn('other horse')], [401, 200])
  const nobody = await instances(['set-passphrase', 'pass.localhost'])
  assert.match(nobody.stderr, /Nobody is there to type/)
  const empty = await instances(['set-passphrase', 'pass.localhost', '--passphrase-file', '-'])
  assert.match(empty.stderr, /must not be empty/)
  const help = await instances(['set-passphrase', '--help'])
  assert.ok(!/--passphrase </.test(help.stdout))
})

test('tokens are printed alone; a client by its id, or whole', async () => {
  await done(['add', 'tokens.localhost'])
  const claims = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
  const cli = claims(await done(['token-cli', 'tokens.localhost', 'io.cozy.files:GET', 'io.cozy.bills']))
  assert.deepEqual([cli.aud, cli.sub, cli.scope], [['cli'], 'CLI', 'io.cozy.files:GET io.cozy.bills'])
  const konnector = claims(await done(['token-konnector', 'tokens.localhost', 'acme']))
  assert.deepEqual([konnector.aud, konnector.sub], [['konn'], 'acme'])
  assert.deepEqual(claims(await done(['token-app', 'tokens.localhost', 'home', '--expire', '10m'])).aud, ['app'])
  const client = JSON.parse(
    await done(['client-oauth', 'tokens.localhost', 'http://localhost:3/cb', 'Tool', 'sw', '--json']),
  )
  assert.ok(client.client_secret && client.registration_access_token)
  assert.match(
    await done(['client-oauth', 'tokens.localhost', 'http://localhost:3/cb', 'Tool', 'sw']),
    /^[0-9a-f]{32}$/,
  )
  const access = await done(['token-oauth', 'tokens.localhost', client.client_id, 'io.cozy.files', '--json'])
  assert.deepEqual(claims(JSON.parse(access).token).sub, client.client_id)
  assert.deepEqual(
    claims(await done(['refresh-token-oauth', 'tokens.localhost', client.client_id, 'io.cozy.files'])).aud,
    ['refresh'],
  )
})

test('an instance goes into an archive and comes out of it', async () => {
  await done(['add', 'travel.localhost', '--public-name', 'Traveller'])
  const none = await instances(['export', 'travel.localhost'])
  assert.match(none.stderr, /--archive-passphrase-file, or leave them out with --without-secrets/)
  writeFileSync(join(folder, 'seal'), 'open sesame')
  const said = JSON.parse(await done(['export', 'travel.localhost', '--archive-passphrase-file', 'seal', '--json']))
  const file = join(folder, 'travel.localhost.tar')
  assert.deepEqual([said.file, said.bytes], [file, statSync(file).size])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.ok(!existsSync(`${file}.part`))
  assert.match(
    (await instances(['import', file, '--domain', 'b.localhost'])).stderr,
    /sealed: give --archive-passphrase-file/,
  )
  const wrong = await instances(['import', file, '--domain', 'b.localhost', '--archive-passphrase-file', '-'], {
    input: 'x',
  })
  assert.match(wrong.stderr, /not the passphrase/)
  const made = await done(['import', file, '--domain', 'b.localhost', '--archive-passphrase-file', 'seal'])
  assert.match(made, /^b\.localhost is there: http:\/\/b\.localhost:\d+\/\n\d+ rows, 0 file contents/)
  assert.match(await done(['show', 'b.localhost']), /name +Traveller/)

  await done(['export', 'travel.localhost', '--without-secrets', '--output', 'plain.tar'])
  const plain = readFileSync(join(folder, 'plain.tar'))
  const piped = await done(['import', '-', '--domain', 'c.localhost'], { input: plain })
  assert.match(piped, /Not in the archive: its keys/)
  const cut = await instances(['import', '-', '--domain', 'd.localhost'], { input: plain.subarray(0, 3000) })
  assert.match(cut.stderr, /The archive is cut/)
  assert.equal((await instances(['show', 'd.localhost'])).code, 1)
})

test('the server is found by its data folder, or as said; each mistake has its sentence', async () => {
  const terminal = (env: NodeJS.ProcessEnv, cwd = folder) => ({ env, cwd }) as Terminal
  const found = await findAdministration({}, terminal({ KONNECTORY_DATA: data }))
  assert.match(found.url.href, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  assert.equal(statSync(join(data, 'admin.json')).mode & 0o777, 0o600)
  writeFileSync(join(folder, 'secret'), `${found.secret}\n`)
  const flags = { adminUrl: found.url.href.slice(0, -1), adminSecretFile: 'secret' }
  assert.deepEqual(await findAdministration(flags, terminal({})), found)
  const env = { KONNECTORY_ADMIN_URL: found.url.href, KONNECTORY_ADMIN_SECRET_FILE: join(data, 'admin.json') }
  assert.deepEqual(await findAdministration({}, terminal(env)), found)

  mkdirSync(join(folder, 'odd'))
  writeFileSync(join(folder, 'odd/admin.json'), '{}')
  writeFileSync(join(folder, 'empty'), '')
  for (const [flags, env, sentence] of [
    [{}, {}, /konnectory serve/],
    [{}, { KONNECTORY_DATA: 'odd' }, /not what a server writes/],
    [{ adminUrl: 'ftp://x', adminSecretFile: 'secret' }, {}, /not the address/],
    [{ adminUrl: found.url.href }, {}, /Give both/],
    [{ adminUrl: found.url.href, adminSecretFile: 'empty' }, {}, /is empty/],
    [{ adminUrl: found.url.href, adminSecretFile: 'absent' }, {}, /cannot be read/],
  ] as [object, NodeJS.ProcessEnv, RegExp][])
    await assert.rejects(findAdministration(flags, terminal(env)), sentence)

  writeFileSync(join(folder, 'wrong'), 'wrong')
  const refused = await instances(['ls', '--admin-secret-file', 'wrong', '--admin-url', found.url.href])
  assert.match(refused.stderr, /secret is not the right one/)
  const nobody = await instances(['ls', '--admin-url', 'http://127.0.0.1:1', '--admin-secret-file', 'secret', '--json'])
  assert.match(JSON.parse(nobody.stdout).error, /No server answers at http:\/\/127\.0\.0\.1:1/)
})

test('amounts of bytes as people write them', () => {
  assert.deepEqual(['1000', '20GB', '1.5 mb', '3k', 'none'].map(bytes), [1000, 20e9, 1_500_000, 3000, 'none'])
  for (const text of ['', '-1', '1.2.3', 'GB', '1EB', '99999999TB']) assert.throws(() => bytes(text), /number of bytes/)
})

test('serve: a port that is taken, and a wrong setting, are a sentence and the exit code of the server', async () => {
  await using blocker = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => blocker.once('listening', resolve))
  const { port } = blocker.address() as { port: number }
  const taken = await run(['serve', '--data', join(folder, 'other'), '--port', String(port)])
  assert.notEqual(taken.code, 0)
  assert.match(taken.stderr, new RegExp(`Port ${port} is taken`))
  const wrong = await run(['serve', '--port', 'many'])
  assert.equal(wrong.code, 78)
  assert.match(wrong.stderr, /KONNECTORY_PORT must be a whole number/)
})

test('serve: without the server beside it, it says what to install', async () => {
  const source = join(import.meta.dirname, '../src')
  const alone = mkdtempSync(join(tmpdir(), 'konnectory-alone-'))
  try {
    chmodSync(alone, 0o755)
    const script = join(alone, 'alone.ts')
    // The command's own module, as if installed where no server is.
    const text = readFileSync(join(source, 'server-admin/serve.ts'), 'utf8').replace(
      "'../terminal/output.ts'",
      JSON.stringify(join(source, 'terminal/output.ts')),
    )
    writeFileSync(script, text)
    const { serve } = (await import(script)) as typeof import('../src/server-admin/serve.ts')
    const terminal = { cwd: alone, env: {}, stdin: Readable.from([]) } as unknown as Terminal
    await assert.rejects(serve({}, terminal), /npm install @konnectory\/stack/)
  } finally {
    rmSync(alone, { recursive: true, force: true })
  }
})

async function postJson(address: string, body: object, host: string): Promise<number> {
  const { request } = await import('node:http')
  return await new Promise((resolve, reject) => {
    const headers = { host, accept: 'application/json', 'content-type': 'application/json' }
    request(address, { method: 'POST', headers }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .once('error', reject)
      .end(JSON.stringify(body))
  })
}
