import type { Field } from '@konnectory/protocol'

const SECRET_NAME = /pass|pwd|secret|token|pin\b|otp|code|answer|key/i
/** Properties of documents; the code of a text message and the kept session stand on the account beside its fields. */
const TELLING = /passw|secret|token|^twofacode$|^session$/i
/** Shorter values appear by chance in any text. */
const SHORTEST = 4

export const MASK = '********'

/** Hides the account's secrets in what is shown. */
export interface SecretMask {
  hide(text: string): string
  /** The same for any JSON value; properties with a telling name are hidden whatever they hold. */
  hideIn(value: unknown): unknown
  /** How many times each field was hidden by `hide`. */
  seen: Map<string, number>
}

/**
 * @param fields the manifest's fields: those marked encrypted are secrets, others when their name says so. The login is not
 * hidden: an author needs to see it, and documents carry it.
 */
export function createSecretMask(values: Record<string, unknown>, fields: Field[]): SecretMask {
  const encrypted = new Set(fields.filter(field => field.encrypted).map(field => field.name))
  const choices = new Set(
    fields.filter(field => field.options.length > 0 || field.type === 'checkbox').map(field => field.name),
  )
  const secrets = Object.entries(values)
    .filter(([name, value]) => (encrypted.has(name) || SECRET_NAME.test(name)) && !choices.has(name) && isText(value))
    .map(([name, value]) => [name, String(value)] as const)
    .filter(([, value]) => value.length >= SHORTEST)
    .sort(([, a], [, b]) => b.length - a.length)
  const seen = new Map<string, number>()

  const hide = (text: string): string => {
    let hidden = text
    for (const [name, value] of secrets) {
      for (const writing of new Set([value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])) {
        const parts = hidden.split(writing)
        if (parts.length === 1) continue
        seen.set(name, (seen.get(name) ?? 0) + parts.length - 1)
        hidden = parts.join(MASK)
      }
    }
    return hidden
  }
  const hideIn = (value: unknown): unknown => {
    if (typeof value === 'string') return secrets.reduce((text, [, secret]) => text.replaceAll(secret, MASK), value)
    if (Array.isArray(value)) return value.map(hideIn)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, TELLING.test(key) && isText(item) ? MASK : hideIn(item)]),
    )
  }
  return { hide, hideIn, seen }
}

function isText(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || typeof value === 'number'
}
