import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, readdir, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBundles } from '../../src/rooms/konnectors/bundles/bundles.ts'
import { headOf, openGitSource } from '../../src/rooms/konnectors/source/git-source.ts'
import { sourceError } from '../../src/rooms/konnectors/source/offer.ts'
import { parseSource } from '../../src/rooms/konnectors/source/parse.ts'
import { buildOf, createRepository, type Files, temporary } from './sources.ts'

type GitSource = Parameters<typeof openGitSource>[0]
const of = (path: string, branch = 'build') => parseSource(`git+file://${path}#${branch}`) as GitSource
const never = new AbortController().signal

/** Fetches and makes the bundle. @returns the names of its files */
async function take(folder: string, source: GitSource, timeout?: number): Promise<string[]> {
  const bundles = createBundles(join(folder, 'bundles'))
  try {
    await using offer = await openGitSource(source, bundles, never, { allowPrivate: true, timeout })
    const name = await offer.bundle(never)
    return (await readdir(bundles.folderOf(name), { recursive: true })).sort()
  } catch (error) {
    throw sourceError(error)
  }
}

test('the last commit of the branch, with odd but harmless names; main, then master without one', async () => {
  await using folder = await temporary()
  const repository = await createRepository(folder.path)
  const odd: Files = {
    'a b.txt': '1',
    'é/ü.js': '2',
    '-rf': '3',
    empty: '',
    '.gitattributes': '* filter=evil text eol=crlf',
  }
  await repository.commit(buildOf({}, odd), 'master')
  const names = await take(folder.path, { ...of(repository.path), branch: undefined })
  assert.deepEqual(
    names,
    ['-rf', '.gitattributes', 'a b.txt', 'empty', 'icon.svg', 'index.js', 'manifest.konnector', 'é', 'é/ü.js'].sort(),
  )
  const commit = await repository.commit(buildOf({ version: '2.0.0' }), 'main')
  assert.equal(await headOf({ ...of(repository.path), branch: undefined }, never, { allowPrivate: true }), commit)
})

const TREES: [string, RegExp, (work: string, git: (...args: string[]) => Promise<string>) => Promise<unknown>][] = [
  ['a symbolic link', /symbolic link/, work => symlink('/etc/passwd', join(work, 'link'))],
  [
    'a submodule',
    /submodule/,
    async (work, git) => {
      await writeFile(join(work, '.gitmodules'), '[submodule "s"]\n\tpath = s\n\turl = file:///etc\n')
      await git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},s`)
    },
  ],
  ['no manifest', /no manifest\.konnector/, (_work, git) => git('rm', '--quiet', '-f', 'manifest.konnector')],
  [
    'a manifest of 3 MB',
    /larger than 2 MiB/,
    work => writeFile(join(work, 'manifest.konnector'), 'x'.repeat(3 * 1024 * 1024)),
  ],
  ['a file of 70 MB', /larger than/, work => writeFile(join(work, 'large'), Buffer.alloc(70 * 1024 * 1024))],
  ['a backslash in a name', /no name of a file/, work => writeFile(join(work, 'a\\b'), 'x')],
]
for (const [what, message, change] of TREES) {
  test(`refused: ${what}`, async () => {
    await using folder = await temporary()
    const repository = await createRepository(folder.path)
    await repository.commit(buildOf())
    await change(repository.work, repository.git)
    await repository.git('add', '--all', '--force', '--', ':!s')
    await repository.git('commit', '--quiet', '-m', 'hostile')
    await repository.git('push', '--quiet', '--force', repository.path, 'build')
    await assert.rejects(take(folder.path, of(repository.path)), message)
  })
}

test('refused: a tree that names more files than anybody has, without reading them', async () => {
  await using folder = await temporary()
  const repository = await createRepository(folder.path)
  await repository.commit(buildOf())
  // Ten folders that are all the same, six deep: a million files in 7 objects.
  const blob = await repository.git('rev-parse', 'HEAD:index.js')
  let tree = await mktree(
    repository.work,
    Array.from({ length: 10 }, (_, i) => `100644 blob ${blob}\tf${i}`),
  )
  for (let depth = 0; depth < 5; depth++)
    tree = await mktree(
      repository.work,
      Array.from({ length: 10 }, (_, i) => `040000 tree ${tree}\td${i}`),
    )
  const manifest = await repository.git('rev-parse', 'HEAD:manifest.konnector')
  const root = await mktree(repository.work, [
    `040000 tree ${tree}\tbomb`,
    `100644 blob ${manifest}\tmanifest.konnector`,
  ])
  const commit = await repository.git('commit-tree', '-m', 'bomb', root)
  await repository.git('push', '--quiet', '--force', repository.path, `${commit}:refs/heads/build`)
  await assert.rejects(take(folder.path, of(repository.path)), /more than 5000 files/)
})

test('hooks and settings of the repository, and of whoever runs the server, do nothing', async () => {
  await using folder = await temporary()
  const repository = await createRepository(folder.path)
  await repository.commit(buildOf())
  const proof = join(folder.path, 'ran')
  for (const hook of ['post-checkout', 'reference-transaction', 'pre-upload', 'post-index-change']) {
    await writeFile(join(repository.path, 'hooks', hook), `#!/bin/sh\ntouch ${proof}\n`)
    await chmod(join(repository.path, 'hooks', hook), 0o755)
  }
  await writeFile(
    join(repository.path, 'config'),
    `[core]\n\tbare = true\n[uploadpack]\n\tpackObjectsHook = touch ${proof}\n`,
  )
  const config = join(folder.path, 'gitconfig')
  await writeFile(
    config,
    `[core]\n\tfsmonitor = touch ${proof}\n\thooksPath = ${repository.path}/hooks\n[url "file:///nowhere/"]\n\tinsteadOf = /\n`,
  )
  const before = { ...process.env }
  Object.assign(process.env, {
    GIT_CONFIG_GLOBAL: config,
    GIT_SSH_COMMAND: `touch ${proof}`,
    GIT_EXEC_PATH: folder.path,
    GIT_DIR: '/nowhere',
  })
  try {
    assert.ok((await take(folder.path, of(repository.path))).includes('index.js'))
  } finally {
    for (const name of ['GIT_CONFIG_GLOBAL', 'GIT_SSH_COMMAND', 'GIT_EXEC_PATH', 'GIT_DIR']) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  }
  assert.equal(existsSync(proof), false)
})

test('what git would take for a program or an option is only an address', async () => {
  await using folder = await temporary()
  const proof = join(folder.path, 'ran')
  for (const url of [`ext::touch ${proof}`, `--upload-pack=touch ${proof}`, `-u touch ${proof}`])
    await assert.rejects(take(folder.path, { ...of('/nowhere'), url }), /cannot be read/)
  assert.equal(existsSync(proof), false)
})

test('another protocol than the one that was checked is not spoken', async () => {
  await using folder = await temporary()
  const repository = await createRepository(folder.path)
  await repository.commit(buildOf())
  const source = { ...of(repository.path), transport: 'https', host: '127.0.0.1', port: 443 } as GitSource
  await assert.rejects(take(folder.path, source), /transport 'file' not allowed/)
})

test('a host in the private network is not connected to; one that says nothing is given up, and nothing goes on', async () => {
  await using folder = await temporary()
  const sockets = new Set<Socket>()
  const server = createServer(socket => void sockets.add(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  try {
    const source = parseSource(`git+http://127.0.0.1:${port}/r.git#build`) as GitSource
    const refused = openGitSource(source, createBundles(folder.path), never, { allowPrivate: false })
    await assert.rejects(refused, /private network/)
    assert.equal(sockets.size, 0)
    await assert.rejects(take(folder.path, source, 1500), /did not end in time/)
    assert.equal(sockets.size, 1)
    const [socket] = sockets
    if (!socket!.closed) await new Promise(resolve => socket!.resume().once('close', resolve))
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  }
})

async function mktree(work: string, lines: string[]): Promise<string> {
  const { spawn } = await import('node:child_process')
  const child = spawn('git', ['mktree'], { cwd: work, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(`${lines.join('\n')}\n`)
  let text = ''
  for await (const part of child.stdout) text += part
  return text.trim()
}
