import { UsageError } from '../terminal/output.ts'
import { type Git, gitSays } from './git.ts'
import type { Mask } from './mask.ts'
import type { Remote, Target } from './repository.ts'

/** @returns the remotes of the local repository; the mask learns their credentials */
export async function listRemotes(git: Git, mask: Mask): Promise<Remote[]> {
  const names = await git.read('The remotes could not be read:', ['remote'])
  const remotes: Remote[] = []
  for (const name of names.split('\n').filter(one => one !== '')) {
    const { code, stdout } = await git.try(['remote', 'get-url', '--push', name])
    const url = stdout.trim()
    if (code !== 0 || !url) continue
    mask.learn(url)
    const fetched = (await git.try(['remote', 'get-url', name])).stdout.trim()
    mask.learn(fetched)
    remotes.push({ name, url, twofold: fetched !== url })
  }
  return remotes
}

/**
 * The head of the branch over there, with its objects here.
 * @returns its hash; undefined when the branch does not exist yet
 */
export async function fetchHead(
  git: Git,
  { repository, address }: Target,
  ref: string,
  looks = 3,
): Promise<string | undefined> {
  const failed = `${address} cannot be read (its address, your rights or the network?):`
  const listed = await git.read(failed, ['ls-remote', repository, ref])
  const head = listed
    .split('\n')
    .map(line => line.split('\t'))
    .find(([, name]) => name === ref)?.[0]
  if (!head) return undefined
  const isHere = async () => (await git.try(['cat-file', '-e', `${head}^{commit}`])).code === 0
  if (await isHere()) return head
  // A shallow clone stays one; --depth would make one of a full clone.
  const shallow = await git.read('The repository could not be read:', ['rev-parse', '--is-shallow-repository'])
  await git.read(failed, ['fetch', '--no-tags', ...(shallow === 'true' ? ['--depth=1'] : []), repository, ref])
  if (await isHere()) return head
  // It was moved between the two questions, and not forward.
  if (looks > 1) return fetchHead(git, { repository, address }, ref, looks - 1)
  throw new UsageError(`${address} names ${head} as the head of ${ref}, and does not give that commit.`)
}

/**
 * Pushes, never by force.
 * @returns false when somebody else pushed since `fetchHead`
 * @throws UsageError for any other refusal
 */
export async function push(git: Git, mask: Mask, target: Target, commit: string, ref: string): Promise<boolean> {
  const args = ['push', '--porcelain', '--no-verify', target.repository, `${commit}:${ref}`]
  const { code, stdout, stderr } = await git.try(args)
  if (code === 0) return true
  const refused = stdout.split('\n').filter(line => line.startsWith('!'))
  const moved =
    /\[rejected\] \((non-fast-forward|fetch first|stale info|needs force)|cannot lock ref|reference already exists|incorrect old value|failed to update ref/
  if (refused.some(line => moved.test(line))) return false
  throw new UsageError(
    mask.hide(`${target.address} refused the push: ${gitSays([...refused, stderr].join('\n'), mask)}`),
  )
}
