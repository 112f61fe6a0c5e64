import { UsageError } from '../terminal/output.ts'
import type { Git } from './git.ts'

export interface Head {
  hash: string
  title: string
  /** Whether tracked files of this folder differ from it. */
  changed: boolean
}

/**
 * The commit of the sources.
 * @throws UsageError outside a repository, and before the first commit
 */
export async function readHead(git: Git): Promise<Head> {
  const inside = await git.try(['rev-parse', '--is-inside-work-tree'])
  if (/not a git repository/.test(inside.stderr)) {
    throw new UsageError(
      'This folder is not in a git repository, and deploy pushes a commit. Run git init, commit your sources, then deploy.',
    )
  }
  await git.read('The git repository cannot be used:', ['rev-parse', '--show-toplevel'])
  const { code, stdout } = await git.try(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])
  if (code !== 0) {
    throw new UsageError('There is no commit yet, and a deploy names the one it comes from. Commit your sources first.')
  }
  const title = await git.read('The last commit cannot be read:', ['log', '-1', '--format=%s'])
  const changes = await git.read('The state of the sources cannot be read:', [
    ...['status', '--porcelain', '--untracked-files=no', '--ignore-submodules', '--', '.'],
  ])
  return { hash: stdout.trim(), title, changed: changes !== '' }
}

/** @throws UsageError when the name is none, or when a work tree shows the branch: its files would lag behind */
export async function refuseBranch(git: Git, branch: string): Promise<void> {
  const { code } = await git.try(['check-ref-format', `refs/heads/${branch}`])
  if (code !== 0 || branch.startsWith('-')) throw new UsageError(`"${branch}" cannot be the name of a branch.`)
  const trees = await git.read('The work trees cannot be listed:', ['worktree', 'list', '--porcelain'])
  if (trees.split('\n').includes(`branch refs/heads/${branch}`)) {
    throw new UsageError(
      `The branch ${branch} is checked out: deploy replaces its content. Switch to the branch of your sources, or name another one with --branch.`,
    )
  }
}

/**
 * The local branch follows the remote one: scripts ask it which commit to publish (`git rev-parse build`).
 * @returns what to say when it held commits of its own
 */
export async function moveLocalBranch(git: Git, branch: string, commit: string): Promise<string[]> {
  const ref = `refs/heads/${branch}`
  const before = (await git.try(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])).stdout.trim()
  await git.read(`The local branch ${branch} could not be moved:`, [
    ...['update-ref', '--create-reflog', '-m', 'konnectory deploy', ref, commit],
  ])
  if (!before || (await git.try(['merge-base', '--is-ancestor', before, commit])).code === 0) return []
  return [`the local branch ${branch} was at ${before}, which is not in the remote branch; it was moved.`]
}
