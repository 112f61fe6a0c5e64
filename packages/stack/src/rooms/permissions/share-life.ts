import { invalidAttribute, invalidParameter } from '#ground/http/errors'

const SECOND = 1000
const DAY = 86_400 * SECOND
/** Months and years as the ecosystem reckons them here: 30 and 365 days. */
const UNITS: Record<string, number> = {
  s: SECOND,
  m: 60 * SECOND,
  h: 3600 * SECOND,
  D: DAY,
  W: 7 * DAY,
  M: 30 * DAY,
  Y: 365 * DAY,
}
/** Dates after it are no dates in JavaScript, nor anybody's intention. */
const LONGEST = 1000 * 365 * DAY

/**
 * Reads a `ttl`: `1D`, `1h30m`, units `s m h D W M Y`.
 * @returns milliseconds, more than none
 * @throws JsonApiError 422 parameter `ttl`
 */
export function parseTtl(text: string): number {
  const refuse = () => invalidParameter('ttl', `${JSON.stringify(text.slice(0, 40))} is no duration, as 1D or 1h30m`)
  if (text.length > 100 || !/^(\d+[smhDWMY])+$/.test(text)) throw refuse()
  let total = 0
  for (const [, number, unit] of text.matchAll(/(\d+)([smhDWMY])/g)) total += Number(number) * UNITS[unit!]!
  if (!(total > 0) || total > LONGEST) throw refuse()
  return total
}

/** Full date, `T`, time, zone: RFC 3339. */
const RFC_3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i

/** Reads an `expires_at`. @returns it in UTC @throws JsonApiError 422 pointer `expires_at` */
export function parseExpiry(value: unknown): string {
  const time = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : Number.NaN
  if (Number.isNaN(time)) throw invalidAttribute('expires_at', 'expires_at must be a date as RFC 3339 writes it')
  return new Date(time).toISOString()
}

export const isExpired = ({ expiresAt }: { expiresAt?: string | undefined }, now: Date): boolean =>
  expiresAt !== undefined && !(Date.parse(expiresAt) > now.getTime())
