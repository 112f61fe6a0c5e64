import { z } from 'zod'
import { json } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import type { Clients } from '../clients.ts'
import type { Codes } from '../codes.ts'
import { type ExchangeTokens, exchange } from '../exchange.ts'

/** `POST /auth/access_token` (`protocol/auth.md` §5). */
export const accessTokenRoute = (parts: { clients: Clients; codes: Codes; tokens: ExchangeTokens }): Route =>
  route({
    method: 'POST',
    path: '/auth/access_token',
    summary: 'Gives an access token for an access code or a refresh token',
    family: 'oauth',
    permission: { public: 'the client proves itself with its secret, checked inside' },
    body: { form: z.record(z.string(), z.unknown()) },
    bodyLimit: 64 * 1024,
    async handle({ tenant, body }) {
      return json(await exchange(parts, tenant, body), 200, { 'cache-control': 'no-store', pragma: 'no-cache' })
    },
  })
