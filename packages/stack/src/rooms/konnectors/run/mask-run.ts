/** Shorter texts would blank ordinary words, and say more than they hide. */
const SHORTEST = 4

/**
 * Takes the secrets of a run out of a text: the account's credentials and the run's token, as they are, percent-encoded and in
 * base64, which is how konnectors print requests.
 * @param secrets any values; texts inside objects and arrays count
 */
export function createRunMask(secrets: unknown[]): (text: string) => string {
  const forms = new Set<string>()
  for (const secret of secrets.flatMap(textsIn)) {
    if (secret.length < SHORTEST) continue
    forms.add(secret)
    forms.add(encodeURIComponent(secret))
    forms.add(JSON.stringify(secret).slice(1, -1))
    const base64 = Buffer.from(secret).toString('base64')
    forms.add(base64)
    forms.add(base64.replace(/=+$/, ''))
    forms.add(Buffer.from(secret).toString('base64url'))
  }
  // Longest first: a secret inside another must not leave the rest of the longer one.
  const ordered = [...forms].filter(form => form.length >= SHORTEST).sort((a, b) => b.length - a.length)
  return text => ordered.reduce((masked, form) => masked.replaceAll(form, '***'), text)
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number') return [String(value)]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}
