import { fileURLToPath } from 'node:url'
import { isSlug } from '@konnectory/protocol'
import { invalidParameter } from '#ground/http/errors'

/** Where a konnector comes from (`protocol/konnectors-api.md` §3), read. `text` is what is stored. */
export type Source = { text: string } & (
  | { kind: 'registry'; slug: string; channel: string; version: string | undefined }
  | { kind: 'git'; transport: GitTransport; url: string; host: string; port: number; branch: string | undefined }
  | { kind: 'archive'; url: string; sha256: string | undefined }
  | { kind: 'file'; directory: string }
)
export type GitTransport = 'https' | 'http' | 'ssh' | 'file'

export const defaultSource = (slug: string): string => `registry://${slug}/stable`

/**
 * Reads a source.
 * @throws JsonApiError 422 parameter `Source` for what is none, and for credentials: everybody who sees the konnector sees it
 */
export function parseSource(text: string): Source {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(text)?.[1]
  if (text.length > 2048 || /[\s\p{Cc}]/u.test(text) || !URL.canParse(text)) throw refused('is not a URL')
  const url = new URL(text)
  switch (scheme) {
    case 'registry':
      return { text, ...registrySource(text) }
    // Without encryption nobody knows who answers: what is called git:// goes over https.
    case 'git':
    case 'git+https':
      return { text, ...gitSource(text, url, 'https') }
    case 'git+http':
      return { text, ...gitSource(text, url, 'http') }
    case 'git+ssh':
    case 'ssh+git':
      return { text, ...gitSource(text, url, 'ssh') }
    case 'git+file':
      return { text, ...gitSource(text, url, 'file') }
    case 'https':
    case 'http':
      return { text, ...archiveSource(text, url) }
    case 'file':
      return { text, kind: 'file', directory: pathOf(text) }
    default:
      throw refused('has a scheme that is not known here')
  }
}

function registrySource(text: string): Omit<Extract<Source, { kind: 'registry' }>, 'text'> {
  const [slug = '', ...rest] = text.slice('registry://'.length).split('/')
  const parts = rest.filter(part => part !== '')
  if (!isSlug(slug) || parts.length > 2) throw refused('is not registry://<slug>/<channel>')
  if (!parts.every(part => /^[A-Za-z0-9][\w.-]{0,99}$/.test(part))) throw refused('is not registry://<slug>/<channel>')
  const [first, second] = parts
  // A single part that starts with a digit is a version.
  const alone = first !== undefined && second === undefined && /^\d/.test(first)
  const version = alone ? first : second === 'latest' ? undefined : second
  return { kind: 'registry', slug, channel: alone ? 'stable' : (first ?? 'stable'), version }
}

const PORTS: Record<GitTransport, number> = { https: 443, http: 80, ssh: 22, file: 0 }

function gitSource(text: string, url: URL, transport: GitTransport): Omit<Extract<Source, { kind: 'git' }>, 'text'> {
  const branch = url.hash === '' ? undefined : decoded(url.hash.slice(1))
  if (branch !== undefined && !isBranch(branch)) throw refused('names no branch after its #')
  if (transport === 'file') {
    const path = pathOf(text.replace(/^git\+/, '').replace(/#.*$/s, ''))
    return { kind: 'git', transport, url: path, host: '', port: 0, branch }
  }
  const user = url.username
  if (url.password !== '' || (user !== '' && transport !== 'ssh'))
    throw refused('must not hold credentials: the source is shown')
  if (user !== '' && !/^[A-Za-z0-9_][\w.-]{0,63}$/.test(user)) throw refused('names no user')
  // Parsed again as https: of other schemes a URL's host is not checked.
  const written = `https://${url.host}${url.pathname}${url.search}`
  if (!URL.canParse(written)) throw refused('names no host')
  const address = new URL(written)
  const host = address.hostname
  if (!/^(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)$/.test(host)) throw refused('names no host')
  if (address.pathname.length < 2 || address.pathname.includes('//')) throw refused('names no repository')
  const portText = url.port === '' ? '' : `:${url.port}`
  const asked = `${transport}://${user === '' ? '' : `${user}@`}${host}${portText}${address.pathname}${address.search}`
  // git:// has its own port, which https has not.
  const port = url.port === '' || (url.protocol === 'git:' && url.port === '9418') ? PORTS[transport] : Number(url.port)
  return { kind: 'git', transport, url: asked, host, port, branch }
}

/** A name of a branch that is only that: no option, no range, no other ref (git-check-ref-format). */
const isBranch = (name: string): boolean =>
  /^[\p{L}\p{N}_][\p{L}\p{N}_./+@-]{0,199}$/u.test(name) && !/\.\.|\/\/|\/\.|\.lock(\/|$)|@\{|[./]$/.test(name)

function archiveSource(text: string, url: URL): Omit<Extract<Source, { kind: 'archive' }>, 'text'> {
  if (url.username !== '' || url.password !== '') throw refused('must not hold credentials: the source is shown')
  const sha256 = url.hash === '' ? undefined : url.hash.slice(1).toLowerCase()
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) throw refused('has no SHA-256 in hexadecimal after its #')
  return { kind: 'archive', url: text.replace(/#.*$/s, ''), sha256 }
}

function pathOf(text: string): string {
  let path: string
  try {
    path = fileURLToPath(text)
  } catch {
    throw refused('names no folder of this machine')
  }
  if (path.includes('\0')) throw refused('names no folder of this machine')
  return path
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refused('is not a URL')
  }
}

const refused = (why: string) => invalidParameter('Source', `The source ${why}`)
