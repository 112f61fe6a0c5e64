import type { Dictionary } from './dictionary.ts'
import { cardPlaceholder, ibanPlaceholder, isIban, passesLuhn, phonePlaceholder } from './placeholders.ts'

const EMAIL = /[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[a-z0-9-]+\.)+[a-z]{2,24}/gi
/** `icon@2x.png` is no address. */
const FILE_ENDING = /\.(?:png|jpe?g|gif|svg|webp|js|css|woff2?)$/i
const FRENCH_PHONE = /(?<![\w.,+-])(?:\+33\s?|0033\s?|0)[1-9](?:[\s.-]?\d{2}){4}(?![\w-])/g
const FOREIGN_PHONE = /(?<![\w.,+-])\+[1-9](?:[\s.()-]{0,2}\d){8,14}(?![\w-])/g
const IBAN = /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,4})?(?![A-Za-z0-9])/g
/** Grouped as on a card, or not at all. */
const CARD =
  /(?<![\w.-])(?:3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|(?:4\d|5[1-5]|2[2-7]|6\d)\d{2}(?:[ -]?\d{4}){3}(?:[ -]?\d{3})?)(?![\w-])/g

/** Learns the e-mail addresses, phone numbers, IBANs and card numbers of a decoded text. */
export function learnPersonal(dictionary: Dictionary, text: string): void {
  for (const [iban] of text.matchAll(IBAN))
    if (isIban(iban)) dictionary.learn(iban, 'iban', count => ibanPlaceholder(iban, count))
  for (const [card] of text.matchAll(CARD)) {
    if (passesLuhn(card.replace(/\D/g, ''))) dictionary.learn(card, 'card', count => cardPlaceholder(card, count))
  }
  for (const [email] of text.matchAll(EMAIL)) {
    if (FILE_ENDING.test(email) || email.endsWith('@example.test')) continue
    dictionary.learn(email, 'email', count => `konnectory-email-${count}@example.test`)
  }
  for (const pattern of [FRENCH_PHONE, FOREIGN_PHONE])
    for (const [phone] of text.matchAll(pattern))
      dictionary.learn(phone, 'phone', count => phonePlaceholder(phone, count))
}
