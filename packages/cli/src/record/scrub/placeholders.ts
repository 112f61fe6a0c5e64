import { createHash } from 'node:crypto'

/** Placeholders are made of these characters so that no encoding changes them and no parser trips over them. */
export const PLACEHOLDER = /konnectory-[a-z0-9-]+/

const DATE = /^(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{4}-\d{2}-\d{2})$/
const DIGITS_AND_SEPARATORS = /^\+?[\d\s().-]*\d[\d\s().-]*$/

/**
 * What stands for the value of a config field: of the same kind, since konnectors check what they are given
 * (`login.includes('@')`, eight digits, a date).
 */
export function fieldPlaceholder(name: string, value: string): string {
  const slug = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  if (/^\S+@\S+\.\S+$/.test(value)) return `konnectory-${slug}@example.test`
  if (DATE.test(value))
    return value.replace(/\d{4}/, '1990').replace(/(?<!\d)\d{1,2}(?!\d)/g, found => '01'.slice(-found.length))
  if (DIGITS_AND_SEPARATORS.test(value)) {
    const seed = BigInt(`0x${createHash('sha1').update(slug).digest('hex')}`).toString()
    let at = 0
    return value.replace(/\d/g, (digit, index) =>
      index === 0 && digit === '0' ? '0' : index === 0 ? '9' : seed[at++ % seed.length]!,
    )
  }
  return `konnectory-${slug}`
}

/** A token or cookie: digits stay digits, everything else becomes a word. */
export function tokenPlaceholder(kind: string, count: number, value: string): string {
  if (/^\d{4,}$/.test(value))
    return `9${String(count)
      .padStart(value.length - 1, '0')
      .slice(-(value.length - 1))}`
  return `konnectory-${kind}-${count}`
}

/** Digits of a phone number after its prefix become a counter; spaces and dots stay. */
export function phonePlaceholder(value: string, count: number): string {
  const keep = value.startsWith('+') ? 3 : 2
  return withDigits(value, digits => digits.slice(0, keep) + String(count).padStart(digits.length - keep, '0'))
}

/** A card number of the same length that passes the Luhn check and belongs to nobody. */
export function cardPlaceholder(value: string, count: number): string {
  return withDigits(value, digits => {
    const start = digits[0] + String(count).padStart(digits.length - 2, '0')
    for (let check = 0; ; check++) if (passesLuhn(start + check)) return start + check
  })
}

/** An IBAN of the same country and length whose check digits are right. */
export function ibanPlaceholder(value: string, count: number): string {
  const plain = value.replace(/\s/g, '')
  const country = plain.slice(0, 2)
  const account = String(count).padStart(plain.length - 4, '0')
  const check = String(98 - remainder97(`${account}${lettersToDigits(country)}00`)).padStart(2, '0')
  return fitSpaces(value, country + check + account)
}

export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i])
    sum += i % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0)
  }
  return sum % 10 === 0
}

export function isIban(value: string): boolean {
  const plain = value.replace(/\s/g, '')
  return (
    plain.length >= 15 && plain.length <= 34 && remainder97(lettersToDigits(plain.slice(4) + plain.slice(0, 4))) === 1
  )
}

function lettersToDigits(text: string): string {
  return text.replace(/[A-Z]/g, letter => String(letter.charCodeAt(0) - 55))
}

function remainder97(digits: string): number {
  return Number(BigInt(digits) % 97n)
}

function withDigits(value: string, change: (digits: string) => string): string {
  const digits = change(value.replace(/\D/g, ''))
  let at = 0
  return value.replace(/\d/g, () => digits[at++]!)
}

function fitSpaces(value: string, plain: string): string {
  let at = 0
  return value.replace(/\S/g, () => plain[at++]!)
}
