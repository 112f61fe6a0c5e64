import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../terminal/output.ts'
import type { BuiltFile } from './build-folder.ts'
import type { Git } from './git.ts'

/**
 * Stores files in the repository's objects, byte for byte (no line-end conversion, no filters), without its index.
 * @returns for each file, its line for `git update-index --index-info -z`
 */
export async function storeFiles(git: Git, files: BuiltFile[]): Promise<string[]> {
  const hashes = await git.read(
    'The files of the build could not be stored in the repository:',
    [...['hash-object', '-w', '--no-filters', '--stdin-paths']],
    { input: files.map(({ source }) => `${source}\n`).join('') },
  )
  const lines = hashes.split('\n')
  if (lines.length !== files.length) throw new UsageError('git did not store every file of the build.')
  return files.map(({ path, executable }, at) => `${executable ? '100755' : '100644'} ${lines[at]}\t${path}\0`)
}

/**
 * Makes the tree of the branch in an index of its own.
 * @param over a commit whose other files stay; without it the tree is exactly `lines`
 * @returns the hash of the tree
 */
export async function writeTree(git: Git, lines: string[], over?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'konnectory-deploy-'))
  const env = { GIT_INDEX_FILE: join(folder, 'index') }
  const failed = 'The tree of the branch could not be made:'
  try {
    if (over) await git.read(failed, ['read-tree', over], { env })
    await git.read(failed, ['update-index', '--add', '--replace', '-z', '--index-info'], {
      env,
      input: lines.join(''),
    })
    return await git.read(failed, ['write-tree'], { env })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What the new tree changes: `added index.js`… `before` is a commit or nothing. */
export async function changesOf(git: Git, before: string | undefined, tree: string): Promise<string[]> {
  if (!before) {
    const names = await git.read('The tree could not be read:', [
      'ls-tree',
      '--full-tree',
      '-r',
      '-z',
      '--name-only',
      tree,
    ])
    return parts(names).map(name => `added ${name}`)
  }
  const found = await git.read('The trees could not be compared:', [
    ...['diff-tree', '-r', '-z', '--no-renames', '--no-relative', '--name-status', before, tree],
  ])
  const words: Record<string, string> = { A: 'added', D: 'removed' }
  const fields = parts(found)
  return fields.flatMap((name, at) => (at % 2 === 1 ? [`${words[fields[at - 1] ?? ''] ?? 'changed'} ${name}`] : []))
}

function parts(text: string): string[] {
  return text.split('\0').filter(part => part !== '')
}
