/**
 * Values that must never be seen in a log line: passwords, tokens, one-time codes.
 * Every line `log` writes goes through `maskSecrets`, whatever the konnector put in it.
 */

export const MASK = '***'

const forms = new Set<string>()
const shortForms = new Set<string>()
let pattern: RegExp | undefined

/**
 * Hides a value from all later log lines, as it is and as it looks in a URL, in JSON, in base64 and in `util.inspect`.
 * Values of less than 4 characters are hidden only as whole words: hiding every `1` would ruin the log and tell more.
 * @param value a string or number (others are ignored), or an object or array whose strings and numbers are all secret
 */
export function registerSecret(value: unknown): void {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) registerSecret(inner)
    return
  }
  if (typeof value !== 'string' && typeof value !== 'number') return
  const text = String(value)
  if (text.trim() === '') return
  pattern = undefined
  if (text.length < 4) {
    shortForms.add(text)
    return
  }
  for (const form of [
    text,
    encodeURIComponent(text),
    new URLSearchParams({ v: text }).toString().slice(2),
    // request and form encoders also escape these five
    encodeURIComponent(text).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    JSON.stringify(text).slice(1, -1),
    text.replace(/\\/g, '\\\\').replace(/'/g, "\\'"),
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
  ]) {
    forms.add(form)
  }
}

/** @returns `text` with every registered secret replaced by `***` */
export function maskSecrets(text: string): string {
  if (forms.size === 0 && shortForms.size === 0) return text
  pattern ??= build()
  return text.replace(pattern, MASK)
}

/** Forgets every registered value (between tests). */
export function forgetSecrets(): void {
  forms.clear()
  shortForms.clear()
  pattern = undefined
}

function build(): RegExp {
  const quote = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  // Longest first: a secret that starts with another one must be hidden whole.
  const long = [...forms].sort((a, b) => b.length - a.length).map(quote)
  const short = [...shortForms].map(text => `(?<![\\p{L}\\p{N}])${quote(text)}(?![\\p{L}\\p{N}])`)
  return new RegExp([...long, ...short].join('|'), 'gu')
}

/** Names of fields that hold a secret whatever their declared type. */
const SECRET_NAME =
  /pass(word|wd|phrase|e)?$|^pwd$|secret|token|^pin(_?code)?$|credential|cookie|session|^otp$|^code$|^answer$|^dob$|authorization|api_?key/i

/** Neighbours of secrets that are none: `token_type` is `bearer`, which is in many a sentence. */
const PLAIN_NAME = /_type$|_at$|_in$|expire|scope/i

/**
 * @param name name of a field of an account
 * @param field what the manifest says of it, when it says something
 * @returns whether its value must stay out of the logs
 */
export function isSecretField(name: string, field?: { type?: unknown; encrypted?: unknown } | undefined): boolean {
  if (field?.type === 'password' || field?.encrypted === true) return true
  return SECRET_NAME.test(name) && !PLAIN_NAME.test(name)
}

/**
 * Hides the secrets of an account: fields the manifest declares as password, fields named like one, at any depth
 * (`auth`, `oauth`, saved sessions in `data`).
 * @param fields part of an account
 * @param declared the manifest's `fields`
 */
export function registerSecretFields(fields: unknown, declared: Record<string, unknown> = {}): void {
  if (typeof fields !== 'object' || fields === null) return
  for (const [name, value] of Object.entries(fields)) {
    const field = declared[name]
    const known = typeof field === 'object' && field !== null ? (field as { type?: unknown }) : undefined
    if (isSecretField(name, known)) registerSecret(value)
    else registerSecretFields(value)
  }
}
