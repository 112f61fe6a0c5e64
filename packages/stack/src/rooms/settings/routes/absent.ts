import { JsonApiError } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'

const NO_MAIL = 'This server sends no mail yet, so an address cannot be confirmed'
const NO_HOSTER = 'This is a matter of hosting providers, and this server has none'
const NO_VAULT = 'This server has no password manager and certifies no application'
const OPERATOR = 'Whoever runs this server can destroy the instance, with konnectory instances destroy'

/** Routes of the ecosystem that say why they are not here (`protocol/settings.md` §1, §6, §7). */
const ABSENT: [method: 'GET' | 'POST', path: string, why: string][] = [
  ['GET', '/settings/email/confirm', NO_MAIL],
  ['POST', '/settings/instance/deletion', OPERATOR],
  ['POST', '/settings/vault', NO_VAULT],
  ['POST', '/settings/passphrase/flagship', NO_VAULT],
  ['GET', '/settings/external-ties', NO_HOSTER],
  ['GET', '/settings/premium', NO_HOSTER],
  ['GET', '/settings/install_flagship_app', NO_HOSTER],
  ['GET', '/settings/clients/limit-exceeded', NO_HOSTER],
]

export const absentRoutes = (): Route[] =>
  ABSENT.map(([method, path, why]) =>
    route({
      method,
      path,
      summary: 'Not available on this server',
      family: 'json-api',
      permission: { public: 'it only says that it is not there' },
      evenWhenBlocked: true,
      handle() {
        throw new JsonApiError(501, 'Not Implemented', why)
      },
    }),
  )
