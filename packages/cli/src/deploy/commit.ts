import type { Git } from './git.ts'

/** Who commits when git knows nobody, as in a fresh container. */
const NOBODY = { name: 'konnectory deploy', email: 'deploy@konnectory.invalid' }

export interface Identity {
  env: NodeJS.ProcessEnv
  /** Said when git knows nobody. */
  note?: string
}

/**
 * The author and the committer: those of git's configuration or environment, never a guess from the machine's name.
 * @param given used only where git has none, as the old tool did
 */
export async function identity(
  git: Git,
  given: { name?: string | undefined; email?: string | undefined },
): Promise<Identity> {
  const env: NodeJS.ProcessEnv = {}
  for (const role of ['AUTHOR', 'COMMITTER']) {
    const known = await git.try(['-c', 'user.useConfigOnly=true', 'var', `GIT_${role}_IDENT`])
    if (known.code === 0) continue
    for (const part of ['name', 'email'] as const) {
      const { stdout } = await git.try(['config', `user.${part}`])
      env[`GIT_${role}_${part.toUpperCase()}`] = stdout.trim() || given[part] || NOBODY[part]
    }
  }
  const name = env.GIT_AUTHOR_NAME ?? env.GIT_COMMITTER_NAME
  const email = env.GIT_AUTHOR_EMAIL ?? env.GIT_COMMITTER_EMAIL
  const note = `git does not know who you are: the commit is by ${name} <${email}>. To change it: git config user.name and user.email.`
  return name && !(given.name && given.email) ? { env, note } : { env }
}

/** `publish: <title of HEAD>`, then where it comes from (`sdk/cli.md` section 8), then what the author adds. */
export function commitMessage(head: { hash: string; title: string }, added: string | undefined): string {
  const paragraphs = [`publish: ${head.title}`, `generated from commit ${head.hash}`, ...(added ? [added] : [])]
  return `${paragraphs.join('\n\n')}\n`
}

/** @returns the hash of a commit that no branch holds yet */
export function writeCommit(
  git: Git,
  content: { tree: string; parent: string | undefined; message: string },
  { env }: Identity,
): Promise<string> {
  const { tree, parent, message } = content
  const args = ['commit-tree', tree, ...(parent ? ['-p', parent] : []), '-F', '-']
  return git.read('The commit could not be made:', args, { input: message, env })
}
