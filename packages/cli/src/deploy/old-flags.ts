/** Flags of `git-directory-deploy` (`sdk/cli.md` section 8) that `konnectory deploy` calls otherwise. */
const NAMES: Record<string, string> = {
  '-d': '--directory',
  '-b': '--branch',
  '-r': '--repo',
  '--remote': '--repo',
  '-u': '--username',
  '-e': '--email',
  '-m': '--message',
  '-v': '--verbose',
  '-a': '--allow-empty',
  '--allow_empty': '--allow-empty',
  '-i': '--ignore-removal',
}

/** Those that the next argument belongs to. */
const VALUED = new Set(['--directory', '--branch', '--repo', '--username', '--email', '--message'])

/**
 * Arguments of `git-directory-deploy` as those of `konnectory deploy`, with the folder and the branch that the old tool
 * took when none were named.
 */
export function fromOldFlags(args: string[]): string[] {
  const mapped: string[] = []
  for (let at = 0; at < args.length; at++) {
    const [, flag = '', value] = /^(--?[^=]*)(=.*)?$/s.exec(args[at] ?? '') ?? [undefined, args[at]]
    const name = NAMES[flag] ?? flag
    if (value === undefined && VALUED.has(name)) {
      // Joined: a message may begin with a dash.
      mapped.push(`${name}=${args[++at] ?? ''}`)
    } else mapped.push(name + (value ?? ''))
  }
  const has = (name: string) => mapped.some(arg => arg.startsWith(`${name}=`))
  if (!has('--directory')) mapped.push('--directory=_site')
  if (!has('--branch') && !process.env.DEPLOY_BRANCH) mapped.push('--branch=gh-pages')
  return mapped
}
