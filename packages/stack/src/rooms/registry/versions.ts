/** Channels nest: `beta` also has what is stable, `dev` everything (`protocol/manifest.md` §6). */
export const CHANNELS = ['stable', 'beta', 'dev'] as const
export type Channel = (typeof CHANNELS)[number]

const NUMBER = '(0|[1-9]\\d{0,4})'
const VERSION = new RegExp(`^v?${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(?:beta\\.${NUMBER}|dev\\.[0-9a-f]{1,40}))?$`)

/** The parts of a version; undefined for what is none. */
export function parseVersion(
  text: string,
): { numbers: number[]; beta: number | undefined; channel: Channel } | undefined {
  const match = VERSION.exec(text)
  if (!match) return undefined
  const channel = text.includes('-beta.') ? 'beta' : text.includes('-dev.') ? 'dev' : 'stable'
  return {
    numbers: match.slice(1, 4).map(Number),
    beta: match[4] === undefined ? undefined : Number(match[4]),
    channel,
  }
}

/**
 * Order of versions: by their numbers, then what is stable after what came before it, then by the counter of betas. Negative
 * when `a` is older. Two `dev` versions of the same numbers are equal: only their dates tell.
 */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [parseVersion(a), parseVersion(b)]
  if (!one || !other) return (one ? 1 : 0) - (other ? 1 : 0)
  for (const place of [0, 1, 2]) {
    const difference = one.numbers[place]! - other.numbers[place]!
    if (difference !== 0) return difference
  }
  const stable = Number(one.channel === 'stable') - Number(other.channel === 'stable')
  return stable !== 0 ? stable : (one.beta ?? 0) - (other.beta ?? 0)
}
