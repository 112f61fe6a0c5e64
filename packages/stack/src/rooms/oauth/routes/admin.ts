import { z } from 'zod'
import { json, plainText } from '#ground/http/answer'
import { badRequest, invalidParameter, notThere } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Instance } from '#rooms/instances'
import { clientAnswer } from '../client-record.ts'
import type { Clients } from '../clients.ts'
import { parseDuration } from '../go-duration.ts'
import type { Mint } from '../mint.ts'
import { readMetadata } from '../registration.ts'
import type { Audience } from '../tokens.ts'

/** Names of audiences an administrator may ask for; the long ones are the ecosystem's tools'. */
const AUDIENCES: Record<string, Audience> = {
  app: 'app',
  webapp: 'app',
  konn: 'konn',
  konnector: 'konn',
  access: 'access',
  'access-token': 'access',
  refresh: 'refresh',
  'refresh-token': 'refresh',
  cli: 'cli',
}

const PERMISSION = { public: 'only on the administration listener, which asks for its own password' }
const text = z.string().default('')

export interface OAuthAdminDependencies {
  instances: { byDomain(domain: string): Promise<Instance | undefined> }
  clients: Clients
  mint: Mint
}

/** Tokens and clients for the administrator (`protocol/auth.md` §6). The instance is named in the query. */
export function adminRoutes({ instances, clients, mint }: OAuthAdminDependencies): Route[] {
  const instanceAt = async (domain: string): Promise<Instance> => {
    if (domain === '') throw invalidParameter('Domain', 'The domain of the instance is missing')
    const instance = await instances.byDomain(domain)
    if (!instance) throw notThere(`There is no instance at ${domain}`)
    return instance
  }

  return [
    route({
      method: 'POST',
      path: '/instances/token',
      summary: 'Makes a token of an instance',
      family: 'json-api',
      permission: PERMISSION,
      query: z.object({ Domain: text, Audience: text, Scope: text, Subject: text, Expire: text }),
      async handle({ query: { Domain, Audience, Scope, Subject, Expire } }) {
        const instance = await instanceAt(Domain)
        const audience = Object.hasOwn(AUDIENCES, Audience) ? AUDIENCES[Audience] : undefined
        if (!audience) {
          throw invalidParameter('Audience', `${Audience || 'Nothing'} is none of ${Object.keys(AUDIENCES).join(', ')}`)
        }
        const expire = Expire === '' ? 0 : parseDuration(Expire)
        if (expire === undefined) throw invalidParameter('Expire', `${Expire} is not a duration, as 1h30m or 90s`)
        const ofClient = audience === 'access' || audience === 'refresh'
        if (ofClient && !(await clients.find(instance, Subject))) {
          throw invalidParameter('Subject', `There is no client ${Subject}`)
        }
        const token = await mint({
          instance,
          audience,
          subject: audience === 'cli' ? 'CLI' : Subject,
          ...(Scope !== '' && { scope: Scope }),
          ...(expire > 0 && { expire }),
        })
        if (ofClient) await clients.accepted(instance, Subject)
        return plainText(token)
      },
    }),
    route({
      method: 'POST',
      path: '/instances/oauth_client',
      summary: 'Registers a client that stays without anybody accepting it',
      family: 'json-api',
      permission: PERMISSION,
      query: z.object({ Domain: text, RedirectURI: text, ClientName: text, SoftwareID: text, AllowLoginScope: text }),
      async handle({ query: { Domain, RedirectURI, ClientName, SoftwareID, AllowLoginScope } }) {
        const instance = await instanceAt(Domain)
        if (!/^(true|false|1|0|)$/i.test(AllowLoginScope)) {
          throw invalidParameter('AllowLoginScope', 'This is neither true nor false')
        }
        if (SoftwareID.startsWith('registry://')) throw badRequest('A linked application registers its clients itself')
        const given = { redirect_uris: [RedirectURI], client_name: ClientName, software_id: SoftwareID }
        const metadata = readMetadata(given, instance)
        const allowLoginScope = /^(true|1)$/i.test(AllowLoginScope)
        const { client, secret } = await clients.create(instance, metadata, { pending: false, allowLoginScope })
        const registration_access_token = await mint({ instance, audience: 'registration', subject: client.id })
        return json(clientAnswer(client, { client_secret: secret, registration_access_token }))
      },
    }),
  ]
}
