import type { Clock } from '#ground/clock'
import { LIMITS } from './archive/index.ts'
import type { Asset, ListQuery, RegistryClient } from './client.ts'
import { isObject, type RegistryObject } from './documents.ts'
import { createCachedJson } from './net/cached-json.ts'
import { fetchBytes } from './net/fetch-bytes.ts'
import { Unreachable } from './net/resolve-host.ts'

export interface HttpRegistryOptions {
  clock: Clock
  /** Whether archives may be at private addresses other than the registry's own. */
  allowPrivate: boolean
  /** Milliseconds for an answer; default 8 s (`protocol/konnectors-api.md` §7). */
  timeout?: number | undefined
  signal?: AbortSignal | undefined
}

const TIMEOUT_MS = 8_000
/** For an archive of 20 MB. */
const DOWNLOAD_MS = 60_000
const LARGEST_ASSET = 5 * 1024 * 1024

/** A registry that is asked by HTTP, at `<base>registry/…`. */
export function createHttpRegistry(base: string, options: HttpRegistryOptions): RegistryClient {
  const { clock, allowPrivate, timeout = TIMEOUT_MS, signal: ended } = options
  const root = new URL('registry/', base.endsWith('/') ? base : `${base}/`)
  const cache = createCachedJson({ clock }, { timeout, signal: ended })
  const at = (...parts: string[]) => new URL(parts.map(encodeURIComponent).join('/'), root).href

  const object = async (url: string): Promise<RegistryObject | undefined> => {
    const value = await cache.get(url)
    if (value !== undefined && !isObject(value)) throw odd(root)
    return value
  }
  const list = async (url: string): Promise<unknown[]> => {
    const value = (await cache.get(url)) ?? []
    if (!Array.isArray(value)) throw odd(root)
    return value
  }

  return {
    name: base,
    application: slug => object(`${at(slug)}/`),
    versions: slug => object(at(slug, 'versions')),
    version: (slug, version) => object(at(slug, version)),
    latest: (slug, channel) => object(at(slug, channel, 'latest')),
    async list(query) {
      const page = await object(listUrl(root, query))
      const { data = [], meta } = page ?? {}
      if (!Array.isArray(data)) throw odd(root)
      const next = isObject(meta) ? meta.next_cursor : undefined
      return { data: data.filter(isObject), nextCursor: typeof next === 'string' && next !== '' ? next : undefined }
    },
    slugs: async () => (await list(at('slugs'))).filter(slug => typeof slug === 'string'),
    maintenance: async () => (await list(at('maintenance'))).filter(isObject),
    async asset(slug, path): Promise<Asset | undefined> {
      const url = at(slug, ...path.split('/'))
      const answer = await fetchBytes(url, { most: LARGEST_ASSET, timeout, allowPrivate: true, signal: ended })
      if (answer.status !== 200) return undefined
      return { bytes: answer.bytes, type: answer.headers['content-type'] ?? '' }
    },
    async archive(_slug, _version, url, signal) {
      if (!URL.canParse(url)) throw odd(root)
      const own = new URL(url).origin === root.origin
      const signals = [signal, ended].filter(each => each !== undefined)
      const { status, bytes } = await fetchBytes(url, {
        most: LIMITS.packed,
        timeout: DOWNLOAD_MS,
        allowPrivate: own || allowPrivate,
        signal: signals.length > 0 ? AbortSignal.any(signals) : undefined,
      })
      if (status !== 200) throw new Unreachable(`${new URL(url).host} answered ${status} for the archive`)
      return bytes
    },
  }
}

function listUrl(root: URL, { limit, cursor, sort, versionsChannel, latestChannelVersion, filter }: ListQuery): string {
  const url = new URL(root.href.replace(/\/$/, ''))
  const values = { limit: String(limit), cursor, sort, versionsChannel, latestChannelVersion }
  for (const [name, value] of Object.entries(values)) if (value !== undefined) url.searchParams.set(name, value)
  for (const [name, value] of Object.entries(filter)) url.searchParams.set(`filter[${name}]`, value)
  return url.href
}

const odd = (root: URL) => new Unreachable(`${root.host} does not answer as a registry`)
