import { HttpError, notFound, ShapedError } from '#ground/http/errors'
import type { Directory } from './directory.ts'
import type { Instance } from './instance.ts'
import { html, renderPage, wordsOf } from './pages/index.ts'

/**
 * What a blocked instance answers (`protocol/conventions.md` §2): a bare array, 402 when it is about a payment; a page for
 * LOGIN_FAILED, whatever is accepted; `{"error"}` while it is being moved in or out.
 */
export function blockedError(instance: Instance): ShapedError | undefined {
  const { blocked, locale, domain } = instance
  if (!blocked) return undefined
  if (blocked === 'IMPORTING' || blocked === 'MOVING') {
    const error = blocked === 'IMPORTING' ? 'The instance is being imported' : 'The instance is being moved'
    return new ShapedError(503, { error })
  }
  if (blocked === 'LOGIN_FAILED') {
    const words = wordsOf(locale)
    return new ShapedError(
      503,
      renderPage({ title: words.error, body: html`<p class="wrong">${words.loginBlocked}</p>`, locale, domain }),
    )
  }
  const status = blocked === 'PAYMENT_FAILED' ? 402 : 503
  const detail = blocked === 'PAYMENT_FAILED' ? 'The payment of this instance failed' : 'This instance is blocked'
  return new ShapedError(status, [{ status: String(status), title: 'Blocked', code: blocked, detail, source: {} }])
}

/** The request is for the instance's old domain: 308, same path and query. */
export class MovedPermanently extends HttpError {
  override name = 'MovedPermanently'
  constructor(location: string) {
    super(308, 'This instance has another address now', { location })
  }
}

/** Finds the instance of a request to the API, for the server. */
export function createGate(directory: Directory) {
  return {
    /**
     * @param host the `Host` header
     * @param url path and query as sent
     * @throws 404 "Instance not found", also for subdomains of apps, which this server does not serve; 308 for an old domain
     */
    async tenantOf(
      host: string | undefined,
      url: string,
    ): Promise<{ tenant: Instance; blocked: ShapedError | undefined }> {
      const match = await directory.byHost(host)
      if (!match) throw notFound('Instance not found')
      if (match.movedTo !== undefined) throw new MovedPermanently(match.movedTo.replace(/\/$/, '') + url)
      if (match.slug !== undefined) throw notFound('Application not found')
      return { tenant: match.instance, blocked: blockedError(match.instance) }
    },
  }
}
