import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startTestHouse } from '../help/house.ts'
import { settled } from './settled.ts'
import { createRepository, temporary } from './sources.ts'

const root = join(import.meta.dirname, '..', '..', '..', '..')

/** git's own server, behind ours. `/moved/…` sends on to `/…`. */
async function startGitServer(folder: string) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://localhost')
    asked.push(`${request.headers.host} ${pathname}`)
    if (pathname.startsWith('/moved/')) {
      response.writeHead(301, { location: pathname.slice('/moved'.length) + search }).end()
      return
    }
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        PATH_INFO: pathname,
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'],
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
    })
    request.pipe(backend.stdin)
    const parts: Buffer[] = []
    backend.stdout.on('data', part => parts.push(part))
    backend.once('close', () => {
      const all = Buffer.concat(parts)
      const end = all.indexOf('\r\n\r\n')
      const headers = all
        .toString('latin1', 0, end)
        .split('\r\n')
        .map(line => line.split(': ') as [string, string])
      const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200'
      response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers.filter(([name]) => name !== 'Status')))
      response.end(all.subarray(end + 4))
    })
  })
  await new Promise<void>(resolve => server.listen(0, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

test('a konnector built by our build is pushed to a git server and installed from it by its URL', {
  timeout: 120_000,
}, async () => {
  await using folder = await temporary()
  await using git = await startGitServer(folder.path)
  await using house = await startTestHouse({ environment: { KONNECTORY_INSTALL_PRIVATE: '1' } })
  const out = join(folder.path, 'out')
  const bin = join(root, 'packages', 'cli', 'src', 'bin.ts')
  await promisify(execFile)(process.execPath, [bin, 'build', '--outdir', out], {
    cwd: join(root, 'konnectors', 'demo-classic'),
  })
  const repository = await createRepository(folder.path)
  await cp(out, repository.work, { recursive: true })
  await repository.git('checkout', '--quiet', '-b', 'build')
  await repository.git('add', '--all')
  await repository.git('commit', '--quiet', '-m', 'build')
  await repository.git('push', '--quiet', repository.path, 'build')

  const at = (path: string) => encodeURIComponent(`git+http://localhost:${git.port}${path}#build`)
  const answer = await house.request(`/konnectors/demo-classic?Source=${at('/bare.git')}`, { method: 'POST' })
  assert.equal(answer.status, 202, answer.text)
  const { version } = await settled(house, 'ready', undefined, 'demo-classic')
  assert.equal(version, `1.0.0-${await repository.git('rev-parse', 'HEAD')}`)
  const code = await house.rooms.konnectors.codeOf(house.instance, 'demo-classic')
  const { stdout } = await promisify(execFile)('git', ['diff', '--no-index', '--stat', out, code!.directory])
  assert.equal(stdout, '')
  assert.ok(git.asked.every(line => line.startsWith(`localhost:${git.port} `)))

  // Whoever answers cannot send us elsewhere: the address behind the next name was never checked.
  const before = git.asked.length
  const moved = await house.request(`/konnectors/moved?Source=${at('/moved/bare.git')}`, { method: 'POST' })
  assert.equal(moved.status, 404, moved.text)
  assert.deepEqual(git.asked.slice(before), [`localhost:${git.port} /moved/bare.git/info/refs`])
  const none = await house.request(`/konnectors/none?Source=${at('/none.git')}`, { method: 'POST' })
  assert.equal(none.status, 404, none.text)
})
