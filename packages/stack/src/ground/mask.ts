const MASKED = '***'

/** Names under which nothing is ever written, whatever it holds. */
const SECRET_NAME =
  /pass(word|wd|phrase)?$|secret|token|authorization|cookie|credential|api_?key|private_?key|master_?key/i

/** `postgres://user:PASSWORD@host`, in any scheme; a password may itself hold an unescaped `@`. */
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*:)[^\s/?#]+(?=@)/gi
/** The same given as a parameter, `?password=…`, `&bearer_token=…`, the codes and states of OAuth. */
const QUERY_PASSWORD = /([?&][\w.-]*(?:password|passphrase|token|secret|code|state)=)[^&\s"'#]+/gi

/** How deep fields are written; below stands `[…]`. A log line is not the place for more. */
const DEPTH = 6

export interface Mask {
  text(text: string): string
  fields(fields: Record<string, unknown>): Record<string, unknown>
  hide(secret: string): void
}

/** Takes secrets out of what is about to be written: by field name, by the shape of a URL, and by value once `hide` was told. */
export function createMask(): Mask {
  const hidden = new Set<string>()

  const text = (value: string): string => {
    let masked = value.replace(URL_PASSWORD, `$1${MASKED}`).replace(QUERY_PASSWORD, `$1${MASKED}`)
    for (const secret of hidden) masked = masked.replaceAll(secret, MASKED)
    return masked
  }

  const value = (input: unknown, depth: number, seen: ReadonlySet<object>): unknown => {
    if (typeof input === 'string') return text(input)
    if (typeof input === 'bigint') return input.toString()
    if (typeof input !== 'object' || input === null) return input
    if (input instanceof Date) return input
    if (seen.has(input) || depth >= DEPTH) return '[…]'
    const inside = new Set(seen).add(input)
    if (input instanceof Error) return { ...described(input, depth, inside) }
    if (Array.isArray(input)) return input.map(item => value(item, depth + 1, inside))
    return Object.fromEntries(Object.entries(input).map(([name, item]) => [name, named(name, item, depth + 1, inside)]))
  }

  const named = (name: string, item: unknown, depth: number, seen: ReadonlySet<object>): unknown =>
    SECRET_NAME.test(name) && item !== undefined && item !== null ? MASKED : value(item, depth, seen)

  const described = (error: Error, depth: number, seen: ReadonlySet<object>) => ({
    name: error.name,
    message: text(error.message),
    ...('code' in error && { code: error.code }),
    ...(error.stack && { stack: text(error.stack) }),
    ...(error.cause !== undefined && { cause: value(error.cause, depth + 1, seen) }),
  })

  return {
    text,
    fields: fields =>
      Object.fromEntries(Object.entries(fields).map(([name, item]) => [name, named(name, item, 1, new Set())])),
    hide(secret) {
      // Shorter ones would blank out ordinary words and tell more than they hide.
      if (secret.length >= 4) hidden.add(secret)
    },
  }
}
