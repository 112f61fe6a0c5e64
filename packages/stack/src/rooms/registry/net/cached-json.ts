import { LRUCache } from 'lru-cache'
import type { Clock } from '#ground/clock'
import { type FetchOptions, fetchBytes } from './fetch-bytes.ts'
import { Unreachable } from './resolve-host.ts'

/** An answer as JSON; `value` is undefined for 404. */
interface Entry {
  value: unknown
  etag: string | undefined
  size: number
  /** Milliseconds since 1970 until which it need not be asked again. */
  fresh: number
}

/** Bytes of answers kept; a list of a whole registry has some. */
const MOST_KEPT = 64 * 1024 * 1024
const MOST_ANSWER = 16 * 1024 * 1024
/** Nothing is believed for longer, whatever a registry says: a version must be found within the hour. */
const LONGEST_MS = 3_600_000
/** One that is down is left alone for so long. */
const FAILED_MS = 60_000
/** Where a registry says nothing: 404 a minute, as registries do; the rest five. */
const USUAL_MS = { found: 300_000, missing: 60_000 }

/**
 * Answers of registries, kept as long as they say, then asked for again by their tag. When a registry does not answer, what is
 * known is still the best there is.
 */
export function createCachedJson(
  { clock }: { clock: Clock },
  { timeout, signal }: Pick<FetchOptions, 'timeout' | 'signal'>,
) {
  const entries = new LRUCache<string, Entry>({ maxSize: MOST_KEPT, sizeCalculation: ({ size }) => size })
  const underWay = new Map<string, Promise<unknown>>()

  const ask = async (url: string, known: Entry | undefined): Promise<unknown> => {
    const headers = { accept: 'application/json', ...(known?.etag && { 'if-none-match': known.etag }) }
    // The operator named the registry: it may be inside the private network.
    const answer = await fetchBytes(url, { most: MOST_ANSWER, timeout, allowPrivate: true, headers, signal })
    const { status } = answer
    if (status === 304 && known) {
      known.fresh = clock.now().getTime() + lifeOf(answer.headers['cache-control'], known.value !== undefined)
      return known.value
    }
    if (status !== 200 && status !== 404) throw new Unreachable(`${new URL(url).host} answered ${status}`)
    const value = status === 404 ? undefined : parsed(answer.bytes, url)
    const fresh = clock.now().getTime() + lifeOf(answer.headers['cache-control'], value !== undefined)
    entries.set(url, { value, etag: answer.headers.etag, size: answer.bytes.length + 256, fresh })
    return value
  }

  return {
    /** @returns undefined for 404. @throws Unreachable */
    async get(url: string): Promise<unknown> {
      const known = entries.get(url)
      if (known && clock.now().getTime() < known.fresh) return known.value
      let asking = underWay.get(url)
      if (!asking) {
        asking = ask(url, known).finally(() => underWay.delete(url))
        underWay.set(url, asking)
      }
      try {
        return await asking
      } catch (error) {
        if (!known || !(error instanceof Unreachable)) throw error
        // Nor is everybody who comes to wait for it again.
        known.fresh = clock.now().getTime() + FAILED_MS
        return known.value
      }
    },
  }
}

function lifeOf(cacheControl: string | undefined, found: boolean): number {
  if (/\bno-(?:cache|store)\b/.test(cacheControl ?? '')) return 0
  const [, seconds] = /\bmax-age=(\d{1,9})/.exec(cacheControl ?? '') ?? []
  return seconds === undefined ? USUAL_MS[found ? 'found' : 'missing'] : Math.min(Number(seconds) * 1000, LONGEST_MS)
}

function parsed(bytes: Buffer, url: string): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new Unreachable(`${new URL(url).host} answered with what is no JSON`, { cause })
  }
}
