import type { TestHouse } from '../help/house.ts'

/** Waits for a state as clients do: by the news, then by looking. A failure on the way is one of the test. */
export async function settled(
  { ground: { news }, rooms: { konnectors }, instance }: Pick<TestHouse, 'ground' | 'rooms' | 'instance'>,
  state: string,
  /** The version, or one that it must no longer be: `!1.0.0`. */
  version?: string,
  slug = 'acme',
): Promise<Record<string, unknown>> {
  for (;;) {
    const changed = Promise.withResolvers<void>()
    const end = news.subscribe(({ doctype, doc }) => {
      if (doctype !== 'io.cozy.konnectors') return
      if (doc.state === 'errored') changed.reject(new Error(String(doc.error)))
      else changed.resolve()
    })
    try {
      const found = await konnectors.find(instance, slug)
      if (found?.state === state && isWanted(found.version, version)) return found.body
      await changed.promise
    } finally {
      end()
    }
  }
}

const isWanted = (found: string, wanted: string | undefined): boolean =>
  wanted === undefined || (wanted.startsWith('!') ? found !== wanted.slice(1) : found === wanted)
