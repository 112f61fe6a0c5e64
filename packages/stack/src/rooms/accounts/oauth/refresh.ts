import type { Clock } from '#ground/clock'
import type { Body, StoredDocument } from '#ground/documents/contract'
import { badRequest, JsonApiError, notThere } from '#ground/http/errors'
import type { Log } from '#ground/log'
import type { Tenant } from '#ground/tenant'
import { accountTypeOf, isObject } from '../account.ts'
import type { AccountWriting } from '../account-writing.ts'
import { ownerOf, type Vault } from '../secrets/vault.ts'
import type { AccountType } from '../types/account-type.ts'
import type { AccountTypes } from '../types/service.ts'
import { readTokenAnswer, type TokenAnswer } from './token-answer.ts'
import { askTokenEndpoint, TokenEndpointError, type TokenRequestOptions } from './token-endpoint.ts'

/** Gets a fresh access token for an account and keeps it (`protocol/accounts-oauth.md` §5). */
export type Refresh = (tenant: Tenant, account: StoredDocument) => Promise<StoredDocument>

export interface RefreshDeps {
  types: AccountTypes
  writing: AccountWriting
  vault: Vault
  clock: Clock
  log: Log
  tokenRequest?: TokenRequestOptions | undefined
}

/** What vendors answer when the person has to consent again. */
const DEAD = ['invalid_token', 'invalid_grant']

export function createRefresh({ types, writing, vault, clock, log, tokenRequest }: RefreshDeps): Refresh {
  const underWay = new Map<string, Promise<StoredDocument>>()

  const oauthOf = async (tenant: Tenant, { id, body }: StoredDocument): Promise<Body | undefined> => {
    const { oauth } = await vault.open(tenant, ownerOf(id, body), body)
    return isObject(oauth) ? oauth : undefined
  }

  /** Changes `oauth` and what comes with it in the account as it is now; nothing else of it. */
  const keep = async (tenant: Tenant, id: string, members: Body, results: Body = {}): Promise<StoredDocument> => {
    const kept = await writing.change(tenant, id, body => {
      const { oauth_callback_results: before } = body
      return {
        ...body,
        oauth: { ...(isObject(body.oauth) && body.oauth), ...members },
        ...(Object.keys(results).length > 0 && {
          oauth_callback_results: { ...(isObject(before) && before), ...results },
        }),
      }
    })
    if (!kept) throw notThere('The account is gone')
    return kept
  }

  const ask = async (type: AccountType, refreshToken: string): Promise<TokenAnswer> => {
    if (!type.token_endpoint) throw badRequest('this account can not be refreshed')
    const parameters = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const answer = await askTokenEndpoint({ ...type, token_endpoint: type.token_endpoint }, parameters, tokenRequest)
    return readTokenAnswer(answer, clock.now())
  }

  async function refresh(tenant: Tenant, account: StoredDocument): Promise<StoredDocument> {
    const oauth = await oauthOf(tenant, account)
    if (!oauth) throw badRequest('this account can not be refreshed')
    const type = await types.forInstance(tenant, accountTypeOf(account.body) ?? '')
    if (!type) throw notThere('There is no such account type')
    const { refresh_token: refreshToken } = oauth
    // Somebody was done between the caller's look and ours. A token sent twice looks like a stolen one to some vendors.
    const done = await refreshedElsewhere(tenant, account.id, refreshToken)
    if (done) return done
    if (typeof refreshToken !== 'string' || refreshToken === '') {
      // The konnector refreshes by itself, with the client's credentials.
      const { client_id, client_secret } = type
      return keep(tenant, account.id, { ...(client_id && { client_id }), ...(client_secret && { client_secret }) })
    }
    try {
      const { oauth: fresh, oauth_callback_results: results } = await ask(type, refreshToken)
      return await keep(tenant, account.id, fresh, results)
    } catch (error) {
      if (!(error instanceof TokenEndpointError)) throw error
      const winner = DEAD.includes(error.code) ? await refreshedElsewhere(tenant, account.id, refreshToken) : undefined
      if (winner) return winner
      log.info('a vendor refused to refresh a token', {
        instance: tenant.domain,
        account: account.id,
        code: error.code,
      })
      if (DEAD.includes(error.code)) {
        const detail = `The vendor does not know the token any more: ${error.code}`
        throw new JsonApiError(401, 'Unauthorized', detail, {}, 'oauth_refresh_invalid_token')
      }
      throw new JsonApiError(502, 'Bad Gateway', error.message)
    }
  }

  /** The account, when another refresh token stands there than the one used: what came with it is as fresh as could be. */
  async function refreshedElsewhere(tenant: Tenant, id: string, used: unknown): Promise<StoredDocument | undefined> {
    const current = await writing.change(tenant, id, () => undefined)
    const oauth = current && (await oauthOf(tenant, current))
    return oauth && typeof oauth.refresh_token === 'string' && oauth.refresh_token !== used ? current : undefined
  }

  // Vendors take a refresh token once: two that come together must not each send it.
  return (tenant, account) => {
    const name = `${tenant.id} ${account.id}`
    const running = underWay.get(name)
    if (running) return running
    const started = refresh(tenant, account).finally(() => underWay.delete(name))
    underWay.set(name, started)
    return started
  }
}
