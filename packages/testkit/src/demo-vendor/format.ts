export type Language = 'fr' | 'en'

const ENGLISH_MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)

/** `03/11/2026` in French, `3 November 2026` in English, from yyyy-mm-dd. */
export function formatDate(date: string, language: Language): string {
  const [year, month, day] = date.split('-') as [string, string, string]
  return language === 'fr' ? `${day}/${month}/${year}` : `${Number(day)} ${ENGLISH_MONTHS[Number(month) - 1]} ${year}`
}

/** `1 084,12 €` with U+202F between thousands and U+00A0 before the sign in French (as Intl does), `€1,084.12` in English. */
export function formatAmount(cents: number, language: Language): string {
  const sign = cents < 0 ? '-' : ''
  const euros = String(Math.trunc(Math.abs(cents) / 100))
  const rest = String(Math.abs(cents) % 100).padStart(2, '0')
  const grouped = euros.replace(/\B(?=(\d{3})+$)/g, language === 'fr' ? '\u202f' : ',')
  return language === 'fr' ? `${sign}${grouped},${rest}\u00a0€` : `${sign}€${grouped}.${rest}`
}

/** Text made safe for HTML content and double-quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, sign => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!)
}
