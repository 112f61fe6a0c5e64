import { MANIFEST_MAX_BYTES } from '@konnectory/protocol'
import { ArchiveRefused, createByteReader, createMeter, isOfGit, LIMITS, safePath } from '#rooms/registry'
import type { Bundles } from '../bundles/bundles.ts'
import { MANIFEST_FILE } from '../konnector.ts'
import { type Git, type GitOptions, type GitSource, openGit } from './git.ts'
import { type Offer, SourceError } from './offer.ts'

/** Where a source names no branch. */
const USUAL_BRANCHES = ['main', 'master']

interface TreeFile {
  path: string
  oid: string
  size: number
}

/** The commit a source stands at, without fetching it. @throws SourceError, Unreachable */
export async function headOf(source: GitSource, signal: AbortSignal, options: GitOptions): Promise<string> {
  await using git = await openGit(source, signal, options)
  return (await branchOf(git, source)).commit
}

/** Fetches the last commit of the branch, and nothing of its past. @throws SourceError, ArchiveRefused, Unreachable */
export async function openGitSource(
  source: GitSource,
  bundles: Bundles,
  signal: AbortSignal,
  options: GitOptions,
): Promise<Offer> {
  const git = await openGit(source, signal, options)
  try {
    const { ref } = await branchOf(git, source)
    await git.print('The repository cannot be fetched', [
      'fetch',
      '--quiet',
      '--depth=1',
      '--no-tags',
      '--no-recurse-submodules',
      '--no-write-fetch-head',
      '--',
      source.url,
      `+${ref}:refs/heads/taken`,
    ])
    const commit = (
      await git.print('The repository is odd', ['rev-parse', '--verify', 'refs/heads/taken^{commit}'])
    ).trim()
    const files = await listTree(git, commit)
    const found = files.find(({ path }) => path === MANIFEST_FILE)
    if (!found)
      throw new SourceError(
        'unreachable',
        `there is no ${MANIFEST_FILE} at the root of ${ref.replace('refs/heads/', '')}`,
      )
    if (found.size > MANIFEST_MAX_BYTES) throw new SourceError('refused', 'The manifest is larger than 2 MiB')
    const manifest = await git.print('The manifest cannot be read', ['cat-file', 'blob', found.oid])
    return {
      manifest,
      versionOf: version => `${version}-${commit}`,
      checksum: '',
      mark: commit,
      async bundle() {
        await using staging = await bundles.stage()
        await readBlobs(git, files, staging.write)
        return await staging.keep()
      },
      [Symbol.asyncDispose]: () => git[Symbol.asyncDispose](),
    }
  } catch (error) {
    await git[Symbol.asyncDispose]()
    throw error
  }
}

async function branchOf(git: Git, { branch, url }: GitSource): Promise<{ ref: string; commit: string }> {
  const wanted = (branch === undefined ? USUAL_BRANCHES : [branch]).map(name => `refs/heads/${name}`)
  const printed = await git.print('The repository cannot be read', ['ls-remote', '--quiet', '--', url, ...wanted])
  const heads = new Map(printed.split('\n').map(line => line.split('\t').toReversed() as [string, string]))
  for (const ref of wanted) {
    const commit = heads.get(ref)
    if (commit !== undefined && /^[0-9a-f]{40,64}$/.test(commit)) return { ref, commit }
  }
  throw new SourceError(
    'unreachable',
    `the repository has no branch ${wanted.map(ref => ref.slice('refs/heads/'.length)).join(' or ')}`,
  )
}

/** Every file of a commit, measured and named before one byte of them is read. */
async function listTree(git: Git, commit: string): Promise<TreeFile[]> {
  const { output, ended } = git.stream(['ls-tree', '-r', '-z', '-l', '--full-tree', commit])
  const meter = createMeter(LIMITS)
  const files: TreeFile[] = []
  let rest = Buffer.alloc(0)
  for await (const part of output) {
    rest = Buffer.concat([rest, part])
    for (let end = rest.indexOf(0); end !== -1; end = rest.indexOf(0)) {
      const line = rest.toString('utf8', 0, end)
      rest = rest.subarray(end + 1)
      const [, mode, kind, oid = '', size = '', name = ''] =
        /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(line) ?? []
      if (mode === '120000') throw new ArchiveRefused(`${name} is a symbolic link`)
      if (mode === '160000') throw new ArchiveRefused(`${name} is a submodule; a build holds all its files itself`)
      if (kind !== 'blob' || !/^\d+$/.test(size)) throw new ArchiveRefused('It holds something that is no file')
      const path = safePath(name)
      meter.entry(path, Number(size))
      if (!isOfGit(path)) files.push({ path, oid, size: Number(size) })
    }
    if (rest.length > 8192) throw new ArchiveRefused('A name in it is too long')
  }
  await ended
  return files
}

async function readBlobs(
  git: Git,
  files: TreeFile[],
  write: (path: string, size: number, content: AsyncIterable<Buffer>) => Promise<void>,
): Promise<void> {
  const { output, ended } = git.stream(
    ['cat-file', '--batch', '--buffer'],
    `${files.map(({ oid }) => oid).join('\n')}\n`,
  )
  const reader = createByteReader(output)
  const odd = () => new SourceError('unreachable', 'the repository was cut')
  for (const { path, oid, size } of files) {
    const head = `${oid} blob ${size}\n`
    if ((await reader.take(head.length))?.toString('latin1') !== head) throw odd()
    await write(path, size, reader.chunks(size, odd))
    if ((await reader.take(1))?.[0] !== 0x0a) throw odd()
  }
  await ended
}
