import { HttpError } from '#ground/http/errors'
import type { Gatekeeper } from '#ground/http/index'
import type { Rooms } from './rooms.ts'

/** Names of account types need no decoding. */
const CALLBACK = /^\/accounts\/([\w.-]+)\/redirect\/?\?(.+)$/

/**
 * Finds the instance of a request. A vendor that knows one `redirect_uri` for all instances sends browsers to a host that is
 * nobody's: they go on to the instance whose state they bring (`protocol/accounts-oauth.md` §4), and anywhere else never.
 */
export function tenantOrCallback({
  instances,
  accounts,
}: Pick<Rooms, 'instances' | 'accounts'>): Gatekeeper['tenantOf'] {
  return async (host, url) => {
    try {
      return await instances.tenantOf(host, url)
    } catch (error) {
      const [, type = '', query = ''] = (isNobodys(error) && CALLBACK.exec(url)) || []
      const location = type && (await accounts.relay(type, new URLSearchParams(query)))
      if (!location) throw error
      const headers = { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }
      throw new HttpError(303, 'The instance has another address', headers)
    }
  }
}

const isNobodys = (error: unknown): boolean => error instanceof HttpError && error.status === 404
