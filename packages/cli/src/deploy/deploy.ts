import { relative, resolve, sep } from 'node:path'
import { readPackageJson } from '../project/entry.ts'
import { type Terminal, UsageError } from '../terminal/output.ts'
import { readBuild } from './build-folder.ts'
import { commitMessage, identity, writeCommit } from './commit.ts'
import { newerSource } from './freshness.ts'
import { createGit, type Git } from './git.ts'
import { moveLocalBranch, readHead, refuseBranch } from './local-branch.ts'
import type { Mask } from './mask.ts'
import { fetchHead, listRemotes, push } from './remote-branch.ts'
import { findTarget } from './repository.ts'
import { changesOf, storeFiles, writeTree } from './tree.ts'

export interface DeployOptions {
  directory: string
  branch: string
  repo?: string | undefined
  message?: string | undefined
  allowEmpty?: boolean | undefined
  dryRun?: boolean | undefined
  staleOk?: boolean | undefined
  /** Files that are no longer in the build stay in the branch. */
  ignoreRemoval?: boolean | undefined
  /** Used when git knows nobody. */
  username?: string | undefined
  email?: string | undefined
}

export interface DeployReport {
  slug: string
  version: string
  branch: string
  /** Without credentials. */
  repository: string
  /** False when the branch already holds this build. */
  changed: boolean
  pushed: boolean
  /** Head of the branch afterwards; null when nothing was pushed to a branch that does not exist. */
  commit: string | null
  parent: string | null
  /** The commit of the sources. */
  source: string
  files: number
  /** `added index.js`, `changed …`, `removed …`. */
  changes: string[]
  notes: string[]
}

/** Somebody else may push between our look at the branch and our push: look again, once. */
const ATTEMPTS = 2

/**
 * Pushes the content of a build as a commit of the build branch (docs/reference/deploy.md; `sdk/cli.md` section 8). Works on
 * git's objects only: HEAD, the index and the work tree stay as they are.
 * @param mask hides credentials; whoever prints the error of this function passes it through
 * @throws UsageError with what to do
 */
export async function deploy(
  options: DeployOptions,
  { cwd: root, env, stdin }: Pick<Terminal, 'cwd' | 'env' | 'stdin'>,
  mask: Mask,
  trace?: (line: string) => void,
): Promise<DeployReport> {
  const git = createGit({ cwd: root, env, interactive: stdin.isTTY === true, mask, trace })
  const head = await readHead(git)
  const ref = `refs/heads/${options.branch}`
  await refuseBranch(git, options.branch)

  const folder = resolve(root, options.directory)
  const shown = `${relative(root, folder) || '.'}/`.split(sep).join('/')
  if (folder === root || root.startsWith(folder + sep)) throw new UsageError(`${shown} holds the konnector itself.`)
  const built = await readBuild(folder, shown)
  const newer = options.staleOk ? undefined : await newerSource(root, folder)
  if (newer) {
    throw new UsageError(
      `${newer} was changed after ${shown} was built. Run konnectory build again, or give --stale-ok to deploy the build as it is.`,
    )
  }

  const remotes = await listRemotes(git, mask)
  const target = findTarget(root, options.repo, readPackageJson(root), remotes)
  mask.learn(target.address)
  const notes = [...built.warnings]
  if (head.changed) {
    notes.push(`sources are changed but not committed: commit ${head.hash.slice(0, 7)} is not all that was built.`)
  }
  const who = await identity(git, { name: options.username, email: options.email })
  if (who.note) notes.push(who.note)

  const lines = await storeFiles(git, built.files)
  const result = (parent: string | undefined, changes: string[]): DeployReport => ({
    ...{ slug: built.slug, version: built.version, branch: options.branch, repository: mask.hide(target.address) },
    ...{ changed: changes.length > 0, pushed: false, commit: parent ?? null, parent: parent ?? null },
    ...{ source: head.hash, files: built.files.length, changes, notes },
  })
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const parent = await fetchHead(git, target, ref)
    if (parent) await refuseSources(git, parent, options.branch)
    const tree = await writeTree(git, lines, options.ignoreRemoval ? parent : undefined)
    const changes = await changesOf(git, parent, tree)
    const report = result(parent, changes)
    if (options.dryRun) return report
    if (changes.length === 0 && !options.allowEmpty) {
      if (parent) notes.push(...(await moveLocalBranch(git, options.branch, parent)))
      return report
    }
    const commit = await writeCommit(git, { tree, parent, message: commitMessage(head, options.message) }, who)
    if (await push(git, mask, target, commit, ref)) {
      notes.push(...(await moveLocalBranch(git, options.branch, commit)))
      return { ...report, pushed: true, commit }
    }
  }
  throw new UsageError(
    `Somebody else keeps pushing to the branch ${options.branch} of ${target.address}: ${ATTEMPTS} attempts were refused. Nothing was deployed. Wait for the other deploy to end, then run this again.`,
  )
}

/** The build would replace the whole content of a branch that the sources come from. */
async function refuseSources(git: Git, parent: string, branch: string): Promise<void> {
  const { code } = await git.try(['merge-base', '--is-ancestor', parent, 'HEAD'])
  if (code === 0) {
    throw new UsageError(
      `The branch ${branch} holds the sources of this konnector, and deploy would replace them by the build. Name another branch, such as --branch build.`,
    )
  }
}
