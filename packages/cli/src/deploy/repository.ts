import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { PackageJson } from '../project/entry.ts'
import { UsageError } from '../terminal/output.ts'

/** Short forms of npm for `repository`, and hosts whose read-only `git://` addresses have an `https://` twin. */
const HOSTS: Record<string, string> = { github: 'github.com', gitlab: 'gitlab.com', bitbucket: 'bitbucket.org' }

const OWNER_AND_NAME = /^[\w.-]+\/[\w.-]+$/

/** A remote of the local repository. */
export interface Remote {
  name: string
  /** Where it pushes to. */
  url: string
  /** Whether it reads from another address: what counts is the branch that is pushed to. */
  twofold?: boolean
}

/** Where to push. */
export interface Target {
  /** For git: the name of a remote, an address, or an absolute path. */
  repository: string
  /** For people, still with its credentials. */
  address: string
}

/**
 * Which repository gets the build: the one given, else `repository` of package.json, else the remote `origin`
 * (`sdk/cli.md` section 8; the variable that yarn 1 makes of package.json does not exist under npm, so we read the file).
 * @param given from the option or DEPLOY_REPOSITORY: a remote, an address, a path, or `owner/name` of GitHub
 * @throws UsageError when there is none
 */
export function findTarget(
  root: string,
  given: string | undefined,
  { repository }: PackageJson,
  remotes: Remote[],
): Target {
  if (given) return named(root, given, remotes)
  const declared = typeof repository === 'string' ? repository : repository?.url
  if (declared) {
    const address = addressOf(declared)
    // The same place under the address this clone uses: its author has the rights for that one, by ssh perhaps.
    const twin = remotes.find(({ url }) => place(url) === place(address))
    return twin ? ofRemote(twin) : { repository: local(root, address), address }
  }
  const origin = remotes.find(({ name }) => name === 'origin')
  if (origin) return ofRemote(origin)
  throw new UsageError(
    'There is no repository to deploy to: package.json has no "repository" and git has no remote named origin. Add one (git remote add origin <url>), or give --repo <url>.',
  )
}

function ofRemote({ name, url, twofold }: Remote): Target {
  return { repository: twofold ? url : name, address: url }
}

function named(root: string, given: string, remotes: Remote[]): Target {
  const remote = remotes.find(({ name }) => name === given)
  if (remote) return ofRemote(remote)
  const path = local(root, given)
  if (path !== given || existsSync(path)) return { repository: path, address: path }
  if (/[:/\\]/.test(given)) {
    const address = addressOf(given)
    return { repository: address, address }
  }
  const names = remotes.map(({ name }) => name).join(', ') || 'none'
  throw new UsageError(`${given} is neither a remote of this repository (there is: ${names}) nor an address.`)
}

/** git would take a relative path from the top of the repository, not from the konnector's folder. */
function local(root: string, address: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(address)) return address
  const path = resolve(root, address)
  return existsSync(path) ? path : address
}

/**
 * An address as package.json has it, for git: `github:owner/name`, `owner/name`, `git+https://…`, `…#branch`.
 */
export function addressOf(declared: string): string {
  const plain = declared
    .trim()
    .replace(/^git\+/, '')
    .replace(/#.*$/, '')
  const [, host = '', rest = ''] = /^(github|gitlab|bitbucket):(.+)$/.exec(plain) ?? []
  if (host) return `https://${HOSTS[host]}/${withGit(rest)}`
  if (OWNER_AND_NAME.test(plain) && !plain.startsWith('.')) return `https://github.com/${withGit(plain)}`
  return plain.replace(/^git:\/\/(github\.com|gitlab\.com|bitbucket\.org)\//, 'https://$1/')
}

function withGit(path: string): string {
  return path.endsWith('.git') ? path : `${path}.git`
}

/** Host and path of a repository, whatever the protocol, to see that two addresses are the same place. */
function place(address: string): string {
  const found = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^@/\s]*@)?([^/:\s]+)(?::\d+)?[:/]+(.+?)(?:\.git)?\/?$/i.exec(address)
  return found ? `${found[1]}/${found[2]}`.toLowerCase() : address
}
