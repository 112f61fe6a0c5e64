import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { send } from '../help/request.ts'

const START = join(import.meta.dirname, '../../src/start.mjs')
const folder = mkdtempSync(join(tmpdir(), 'konnectory-process-'))
// The server's own user must get through.
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true, force: true }))

interface Started {
  child: ChildProcess
  ready: { url: string; admin: string }
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

const environment = (data: string, more: Record<string, string> = {}) => ({
  PATH: process.env.PATH,
  KONNECTORY_DATA: data,
  KONNECTORY_PORT: '0',
  KONNECTORY_ADMIN_PORT: '0',
  KONNECTORY_LOG: 'warn',
  ...more,
})

async function start(data: string): Promise<Started> {
  const child = spawn(process.execPath, [START], { env: environment(data), stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
  const line = await Promise.race([
    new Promise<string>(resolve => createInterface({ input: child.stdout! }).once('line', resolve)),
    ended.then(code => assert.fail(`ended with ${code} before it was ready`)),
  ])
  return {
    child,
    ready: JSON.parse(line as string),
    stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Runs a start that cannot succeed. @returns exit code and what was said */
async function failing(env: Record<string, string | undefined>): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [START], { env: env as NodeJS.ProcessEnv, stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk))
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, said }
}

test('starts, tells when it is ready, leaves root, stops when asked, and starts again on what is there', async () => {
  const data = join(folder, 'lived-in')
  const first = await start(data)
  const { url, secret } = JSON.parse(readFileSync(join(data, 'admin.json'), 'utf8'))
  const authorization = `Basic ${Buffer.from(`a:${secret}`).toString('base64')}`
  const made = await send(url, '/instances', {
    method: 'POST',
    headers: { authorization },
    body: { domain: 'localhost' },
  })
  assert.equal(made.status, 201, made.text)
  const query = new URLSearchParams({ Domain: 'localhost', Audience: 'cli', Scope: 'io.cozy.files' })
  const token = await send(url, `/instances/token?${query}`, { method: 'POST', headers: { authorization } })
  const headers = { authorization: `Bearer ${token.text}` }
  const upload = await send(first.ready.url, '/files/?Type=file&Name=a.txt', {
    method: 'POST',
    headers,
    host: 'localhost',
    body: 'kept',
  })
  assert.equal(upload.status, 201, upload.text)
  if (process.platform === 'linux') {
    const [, uid] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${first.child.pid}/status`, 'utf8')) ?? []
    assert.notEqual(uid, '0')
  }
  assert.equal(await first.stop(), 0)

  const second = await start(data)
  const back = await send(second.ready.url, `/files/download/${upload.json.data.id}`, { headers, host: 'localhost' })
  assert.deepEqual([back.status, back.text], [200, 'kept'])
  await second.stop('SIGKILL')

  const third = await start(data)
  assert.equal((await send(third.ready.url, '/status')).status, 200)
  assert.equal(await third.stop('SIGINT'), 0)
})

test('stops when who started it is gone, if told to', async () => {
  const env = environment(join(folder, 'orphan'), { KONNECTORY_WITH_PARENT: '1' })
  const child = spawn(process.execPath, [START], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
  await new Promise(resolve => createInterface({ input: child.stdout }).once('line', resolve))
  child.stdin.destroy()
  assert.equal(await ended, 0)
})

test('a configuration that cannot be is told by its variables, before anything is made', async () => {
  const data = join(folder, 'never')
  const { code, said } = await failing(environment(data, { KONNECTORY_PORT: 'eighty', KONNECTORY_LOG: 'loud' }))
  assert.equal(code, 78)
  assert.match(said, /KONNECTORY_PORT must be a whole number/)
  assert.match(said, /KONNECTORY_LOG must be one of/)
  assert.equal(existsSync(data), false)
})

test('a port that is taken is told before a database is made', async () => {
  const data = join(folder, 'no-port')
  const blocker = createServer()
  await new Promise<void>(resolve => blocker.listen(0, '127.0.0.1', resolve))
  const { port } = blocker.address() as { port: number }
  const { code, said } = await failing(
    environment(data, { KONNECTORY_PORT: String(port), KONNECTORY_WITH_PARENT: '1' }),
  )
  blocker.close()
  assert.equal(code, 69)
  assert.match(said, /is taken by another program; choose another with KONNECTORY_PORT/)
  assert.equal(existsSync(data), false)
})

test('contexts that cannot be read are told with their file', async () => {
  const file = join(folder, 'contexts.json')
  writeFileSync(file, '{"defaults":3}')
  const { code, said } = await failing(environment(join(folder, 'contexts'), { KONNECTORY_CONTEXTS: file }))
  assert.equal(code, 78)
  assert.match(said, /contexts\.json: The file of contexts, defaults/)
})
