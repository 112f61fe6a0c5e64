/** Values of a form or query: arrays repeat the name, `undefined` and `null` are left out. */
export type FormValues = Record<string, FormValue | readonly FormValue[]>
export type FormValue = string | number | boolean | null | undefined

export interface BodyOptions {
  /** Sent as `application/x-www-form-urlencoded`. */
  form?: FormValues | URLSearchParams | undefined
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is: text, bytes, FormData (multipart), a stream. */
  body?: BodyInit | AsyncIterable<Uint8Array> | undefined
}

/** A body ready to send. `again` is false for a stream: it can be read once only. */
export interface PreparedBody {
  value: BodyInit | null
  contentType?: string
  again: boolean
}

/** @throws TypeError when more than one of `form`, `json` and `body` is given */
export function prepareBody(options: BodyOptions): PreparedBody {
  const given = (['form', 'json', 'body'] as const).filter(name => options[name] !== undefined)
  if (given.length > 1) throw new TypeError(`a request has one body: give only one of ${given.join(', ')}`)
  if (options.form !== undefined) {
    return {
      value: (options.form instanceof URLSearchParams ? options.form : toSearchParams(options.form)).toString(),
      contentType: 'application/x-www-form-urlencoded;charset=UTF-8',
      again: true,
    }
  }
  if (options.json !== undefined)
    return { value: JSON.stringify(options.json), contentType: 'application/json', again: true }
  if (options.body === undefined) return { value: null, again: true }
  const isStream = typeof options.body === 'object' && Symbol.asyncIterator in options.body
  return { value: options.body as BodyInit, again: !isStream }
}

export function toSearchParams(values: FormValues): URLSearchParams {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== null) params.append(name, String(item))
    }
  }
  return params
}
