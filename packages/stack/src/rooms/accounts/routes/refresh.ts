import type { Documents } from '#ground/documents/contract'
import { jsonApi } from '#ground/http/answer'
import { notThere } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { ACCOUNTS } from '../account.ts'
import type { MayOpen } from '../may-open.ts'
import type { Refresh } from '../oauth/refresh.ts'
import { ownerOf, type Vault } from '../secrets/vault.ts'

export interface RefreshRouteDeps {
  documents: Documents
  vault: Vault
  mayOpen: MayOpen
  refresh: Refresh
}

/** `POST /accounts/:type/:id/refresh`, for konnectors (`protocol/accounts-oauth.md` §5). */
export function refreshRoute({ documents, vault, mayOpen, refresh }: RefreshRouteDeps): Route {
  return route<{ type: string; id: string }, Record<string, string>>({
    method: 'POST',
    path: '/accounts/:type/:id/refresh',
    summary: "Refreshes an account's access token at the vendor and returns the account",
    family: 'json-api',
    permission: { inside: 'GET on the account, by a konnector that sees its secrets' },
    evenWhenBlocked: true,
    async handle({ tenant, actor, params: { id }, query, allow }) {
      const stored = await documents.of(tenant).get(ACCOUNTS, id)
      const account = stored && !stored.deleted ? stored : undefined
      allow.document('GET', ACCOUNTS, id, account?.body ?? {})
      if (!account) throw notThere('There is no such account')
      // The answer has the tokens in clear.
      allow.check(await mayOpen(tenant, actor, ownerOf(id, account.body), query))
      const { rev, body } = await refresh(tenant, account)
      return jsonApi({
        data: {
          type: ACCOUNTS,
          id,
          attributes: await vault.open(tenant, ownerOf(id, body), body),
          meta: { rev },
          links: { self: `/data/${ACCOUNTS}/${encodeURIComponent(id)}` },
        },
      })
    },
  })
}
