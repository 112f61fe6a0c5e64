import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'

const run = promisify(execFile)

/** A folder that goes with the test. */
export async function temporary(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'konnectory-sources-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export type Files = Record<string, string | Buffer>

/** A manifest that everything accepts. */
export const manifestOf = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  version: '1.0.0',
  name: 'Acme',
  slug: 'acme',
  type: 'konnector',
  editor: 'Acme Inc',
  language: 'node',
  icon: 'icon.svg',
  fields: { zlogin: { type: 'email', role: 'identifier' }, a: { type: 'text' }, password: { type: 'password' } },
  permissions: { files: { type: 'io.cozy.files' }, accounts: { type: 'io.cozy.accounts', verbs: ['GET'] } },
  ...changes,
})

/** The files of a built konnector. */
export const buildOf = (changes: Record<string, unknown> = {}, more: Files = {}): Files => ({
  'manifest.konnector': JSON.stringify(manifestOf(changes), null, 2),
  'index.js': `console.log('hello from ${changes.version ?? '1.0.0'}')\n`,
  'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
  ...more,
})

export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
}

export interface Repository {
  /** Bare. */
  path: string
  work: string
  git(...args: string[]): Promise<string>
  /** Replaces what is in the work tree, commits, pushes. @returns the commit */
  commit(files: Files, branch?: string): Promise<string>
}

/** A real bare repository on disk, with a clone to fill it. */
export async function createRepository(folder: string): Promise<Repository> {
  const [path, work] = [join(folder, 'bare.git'), join(folder, 'work')]
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap(who => [
        [`GIT_${who}_NAME`, 't'],
        [`GIT_${who}_EMAIL`, 't@t.example'],
      ]),
    ),
  }
  await mkdir(work, { recursive: true })
  const git = async (...args: string[]) =>
    (await run('git', ['-c', 'protocol.file.allow=always', ...args], { cwd: work, env })).stdout.trim()
  await git('init', '--quiet', '--bare', '--initial-branch=main', path)
  await git('init', '--quiet', '--initial-branch=main', work)
  return {
    path,
    work,
    git,
    async commit(files, branch = 'build') {
      await git('checkout', '--quiet', '-B', branch)
      await git('rm', '-r', '-f', '--quiet', '--ignore-unmatch', '.')
      await writeFiles(work, files)
      await git('add', '--all', '--force')
      await git('commit', '--quiet', '--allow-empty', '-m', 'build')
      await git('push', '--quiet', '--force', path, branch)
      return git('rev-parse', 'HEAD')
    },
  }
}

/** An entry of a tar, of whatever kind and with whatever name. */
export interface TarEntry {
  name: string
  content?: string | Buffer
  type?: string
  link?: string
  /** Written instead of the true one. */
  size?: number
}

/** A plain tar with anything in it: nothing is checked, names of any kind go in. */
export function tarOf(entries: TarEntry[]): Buffer {
  const parts = entries.flatMap(({ name, content = '', type = '0', link = '', size }) => {
    const bytes = Buffer.from(content)
    const header = Buffer.alloc(512)
    Buffer.from(name).copy(header, 0, 0, 100)
    header.write('0000777\0', 100)
    header.write('0000000\0', 108)
    header.write('0000000\0', 116)
    header.write(`${(size ?? bytes.length).toString(8).padStart(11, '0')}\0`, 124)
    header.write('00000000000\0', 136)
    header.write('        ', 148)
    header.write(type, 156)
    header.write(link, 157)
    header.write('ustar\x0000', 257)
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    )
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
  })
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

export const filesTar = (files: Files, prefix = ''): TarEntry[] =>
  Object.entries(files).map(([name, content]) => ({ name: prefix + name, content }))

export const tgzOf = (entries: TarEntry[]): Buffer => gzipSync(tarOf(entries))
export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

type Reply = { status?: number; headers?: Record<string, string>; body?: Buffer | string | object }

export interface WebServer extends AsyncDisposable {
  url: string
  /** Answers by path; a function is asked each time. */
  pages: Map<string, Reply | ((request: IncomingMessage, response: ServerResponse) => Reply | undefined)>
  requests: { path: string; headers: IncomingMessage['headers'] }[]
}

/** A real server for archives and registries. */
export async function startWeb(): Promise<WebServer> {
  const pages: WebServer['pages'] = new Map()
  const requests: WebServer['requests'] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    requests.push({ path, headers: request.headers })
    const page = pages.get(path) ?? pages.get(path.replace(/\?.*$/, ''))
    const reply: Reply | undefined =
      typeof page === 'function' ? page(request, response) : (page ?? { status: 404, body: { error: 'no' } })
    if (!reply) return
    const { status = 200, headers = {}, body = '' } = reply
    const bytes = Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(bytes)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    pages,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
