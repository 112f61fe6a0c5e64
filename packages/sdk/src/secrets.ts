/** Keeps passwords, tokens and one-time codes out of what is shown; for the logs of sdk konnectors and of old ones alike. */

const MASK = '***'

/** What a manifest says of a field, when it says something. */
interface DeclaredField {
  readonly type?: unknown
  readonly encrypted?: unknown
}

export interface SecretMask {
  /**
   * Hides a value from now on, as it is and as it looks in a URL, in JSON, in base64 and in `util.inspect`. Under 4
   * characters only as a whole word: hiding every `1` would ruin the log and tell more.
   * @param value string or number; of an object or array, all that it holds
   */
  hide(value: unknown): void
  /** Hides those of an account's fields that are secret, at any depth. */
  hideFields(fields: unknown, declared?: Record<string, unknown>): void
  /** @returns the text with `***` for every hidden value */
  mask(text: string): string
  /** Hides nothing any more. */
  forget(): void
}

export function createSecretMask(): SecretMask {
  const forms = new Set<string>()
  const words = new Set<string>()
  let pattern: RegExp | undefined

  function hide(value: unknown): void {
    if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) hide(inner)
    if (typeof value !== 'string' && typeof value !== 'number') return
    const text = String(value)
    // The `/` of a kept session, blanks: in every line.
    if (text.trim().length < 4 && !/[\p{L}\p{N}]/u.test(text)) return
    pattern = undefined
    if (text.length < 4) words.add(text)
    else for (const form of formsOf(text)) forms.add(form)
  }

  function hideFields(fields: unknown, declared: Record<string, unknown> = {}): void {
    if (typeof fields !== 'object' || fields === null) return
    for (const [name, value] of Object.entries(fields)) {
      if (isSecretField(name, declared[name] as DeclaredField | undefined)) hide(value)
      else hideFields(value)
    }
  }

  function mask(text: string): string {
    if (forms.size + words.size === 0) return text
    pattern ??= new RegExp(
      [
        // Longest first: a secret that starts with another one must be hidden whole.
        ...[...forms].sort((a, b) => b.length - a.length).map(quote),
        ...[...words].map(word => `(?<![\\p{L}\\p{N}])${quote(word)}(?![\\p{L}\\p{N}])`),
      ].join('|'),
      'gu',
    )
    return text.replace(pattern, MASK)
  }

  function forget(): void {
    forms.clear()
    words.clear()
    pattern = undefined
  }
  return { hide, hideFields, mask, forget }
}

function formsOf(text: string): string[] {
  // encodeURIComponent throws for half a surrogate pair.
  const encoded = encodeURIComponent(text.toWellFormed())
  return [
    text,
    encoded,
    new URLSearchParams({ v: text }).toString().slice(2),
    // request and form encoders also escape these five
    encoded.replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    JSON.stringify(text).slice(1, -1),
    text.replace(/\\/g, '\\\\').replace(/'/g, "\\'"),
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
  ]
}

function quote(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** Names of fields that hold a secret unless the manifest says otherwise (`protocol/manifest.md` section 3.1, and more). */
const SECRET_NAME =
  /pass(word|wd|phrase|e)?$|^pwd$|secret|token|^pin(_?code)?$|credential|cookie|session|^otp$|^code$|^answer$|^dob$|authorization|api_?key/i

/** Neighbours of secrets that are none: `token_type` is `bearer`, which is in many a sentence. */
const PLAIN_NAME = /_type$|_at$|_in$|expire|scope/i

/** True for a field whose value must not be shown. `encrypted: false` takes back what the name says, but never a password. */
export function isSecretField(name: string, declared?: DeclaredField | null): boolean {
  if (declared?.type === 'password' || declared?.encrypted === true) return true
  return declared?.encrypted !== false && SECRET_NAME.test(name) && !PLAIN_NAME.test(name)
}
