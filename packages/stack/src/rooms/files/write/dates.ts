const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/** An RFC 3339 date in UTC; undefined for what is none: such parameters are ignored (`protocol/files.md` §3). */
export function readDate(text: string | undefined): string | undefined {
  if (text === undefined || !RFC_3339.test(text)) return undefined
  return toIso(new Date(text.toUpperCase()))
}

/** The `Date` header, RFC 1123. */
export function readHttpDate(text: string | undefined): string | undefined {
  if (text === undefined || !/GMT\s*$/.test(text)) return undefined
  return toIso(new Date(text))
}

function toIso(date: Date): string | undefined {
  const time = date.getTime()
  // Years before 0 and after 9999 are no RFC 3339.
  return Number.isNaN(time) || time < -62_167_219_200_000 || time > 253_402_300_799_999 ? undefined : date.toISOString()
}

/** `updated_at` is never before `created_at`. Dates here are all in UTC with milliseconds: they compare as texts. */
export const notBefore = (date: string, earliest: string) => (date < earliest ? earliest : date)
