/**
 * Reads a cookie's `Expires` the way RFC 6265 section 5.1.1 says: tokens in any order, unknown ones skipped.
 * `Date.parse` is not used because it refuses forms that vendors send (`Thu, 01-Jan-70 00:00:01 GMT`, two-digit years).
 *
 * @returns epoch milliseconds, or undefined when the text is not a date
 */
export function parseCookieDate(text: string): number | undefined {
  let time: [number, number, number] | undefined
  let day: number | undefined
  let month: number | undefined
  let year: number | undefined

  for (const token of text.split(/[\t\x20-\x2F\x3B-\x40\x5B-\x60\x7B-\x7E]+/)) {
    const clock = time === undefined && /^(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D|$)/.exec(token)
    if (clock) {
      time = [Number(clock[1]), Number(clock[2]), Number(clock[3])]
      continue
    }
    if (day === undefined && /^\d{1,2}(?:\D|$)/.test(token)) {
      day = Number.parseInt(token, 10)
      continue
    }
    if (month === undefined) {
      const index = MONTHS.indexOf(token.slice(0, 3).toLowerCase())
      if (index >= 0) {
        month = index
        continue
      }
    }
    if (year === undefined && /^\d{2,4}(?:\D|$)/.test(token)) year = fullYear(Number.parseInt(token, 10))
  }

  if (time === undefined || day === undefined || month === undefined || year === undefined) return undefined
  const [hours, minutes, seconds] = time
  if (day < 1 || day > 31 || year < 1601 || hours > 23 || minutes > 59 || seconds > 59) return undefined
  const date = new Date(Date.UTC(year, month, day, hours, minutes, seconds))
  // 30 February and the like roll over into the next month: not a date.
  return date.getUTCDate() === day ? date.getTime() : undefined
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

function fullYear(year: number): number {
  if (year >= 70 && year <= 99) return year + 1900
  if (year >= 0 && year <= 69) return year + 2000
  return year
}
