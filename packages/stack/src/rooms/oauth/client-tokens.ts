import type { Clock } from '#ground/clock'
import { HttpError } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { KeySource } from '#rooms/permissions'
import type { ExchangeTokens } from './exchange.ts'
import type { Mint } from './mint.ts'
import { type Audience, type Claims, verifyToken } from './tokens.ts'

/** The tokens a client holds besides its access tokens: none of them opens the API. */
export function clientTokens({ clock, keys, mint }: { clock: Clock; keys: KeySource; mint: Mint }) {
  /** @returns undefined for what is no such token of the instance */
  const read = async (instance: Tenant, token: string, audience: Audience): Promise<Claims | undefined> => {
    const { domain, oldDomain } = instance
    const check = { keys: await keys.secrets(instance), issuers: [domain, oldDomain], now: clock.now() }
    try {
      return verifyToken(token, { ...check, audiences: [audience] })
    } catch (error) {
      if (error instanceof HttpError) return undefined
      throw error
    }
  }

  const exchange: ExchangeTokens = {
    sign: (instance, audience, subject, scope) => mint({ instance, audience, subject, scope }),
    async readRefresh(instance, token) {
      const claims = await read(instance, token, 'refresh')
      return claims && { subject: claims.subject, scope: claims.scope ?? '', issuer: claims.issuer }
    },
  }
  return {
    ...exchange,
    registration: {
      sign: (instance: Tenant, subject: string) => mint({ instance, audience: 'registration', subject }),
      async fits(instance: Tenant, token: string, clientId: string) {
        return (await read(instance, token, 'registration'))?.subject === clientId
      },
    },
  }
}
