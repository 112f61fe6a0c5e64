import heavy from '../heavy.cjs'
import { globalJar } from './cookie-jar.ts'
import { sendableFormData } from './form-data.ts'
import { allowAddressInTunnel } from './tunnel.ts'
import type { Any, RequestOptions } from './types.ts'

type RequestConstructor = new (options: RequestOptions) => Any

let cached: RequestConstructor | undefined

/**
 * The Request of @cypress/request with the rules of request 2.88 where they differ (exports.md section 5, "measured
 * differences"): redirects between http and https are followed, cookies obey the old jar, a form value that cannot be
 * sent is an error of that request, an IP number can be reached through a proxy. Callbacks and streams only; `promise-layer.ts` adds the promise.
 * The library loads at the first call.
 */
export function requestClass(): RequestConstructor {
  cached ??= define(heavy.request().Request as RequestConstructor)
  return cached
}

function define(Base: RequestConstructor): RequestConstructor {
  return class Request extends Base {
    constructor(options: RequestOptions) {
      const { formData, ...sent } = options
      const { fields, problem } = prepareForm(formData)
      super({ allowInsecureRedirect: true, ...sent, ...fields })
      // The library adds listeners at each redirect, and Node would print a leak warning at the tenth: on the server
      // what goes to stderr is logged as an error.
      this.setMaxListeners(0)
      const refused = problem ?? unsupported(options)
      if (refused) {
        // `abort` first: nothing may be sent; then the error reaches callback and promise like any other.
        this.abort()
        this.emit('error', refused)
      }
    }

    /** Called by the library for the first address and again at each redirect. */
    init(options?: RequestOptions): void {
      super.init(options)
      allowAddressInTunnel(this)
    }

    /** `jar: true` means our jar of the process; the library would take its own, with today's cookie rules. */
    jar(jar: Any): Any {
      return super.jar(jar && !jar.getCookieString ? globalJar : jar)
    }
  }
}

function prepareForm(formData: RequestOptions['formData']): { fields: RequestOptions; problem?: Error } {
  if (!formData) return { fields: {} }
  try {
    return { fields: { formData: sendableFormData(formData) } }
  } catch (error) {
    return { fields: {}, problem: error as Error }
  }
}

function unsupported(options: RequestOptions): Error | undefined {
  if (options.oauth) {
    return new Error(
      'OAuth 1 (the `oauth` option) is no longer supported: sign the request yourself and pass an Authorization header',
    )
  }
  if (isSendableBody(options)) return undefined
  return new TypeError('Argument error, options.body: an object is sent with `json: true` or as `form`')
}

/** Node would throw while sending, outside of any promise: the end of the process, as with FIX-7. */
function isSendableBody({ body, json, form }: RequestOptions): boolean {
  if (!body || json || form) return true
  if (typeof body === 'string' || Array.isArray(body) || body instanceof Uint8Array) return true
  return typeof (body as { pipe?: unknown }).pipe === 'function'
}
