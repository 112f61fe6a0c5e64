import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { json, noContent } from '#ground/http/answer'
import { HttpError, notFound, WireError } from '#ground/http/errors'
import type { Actor } from '#ground/http/grant'
import { parseJson, readBytes } from '#ground/http/read-body'
import { type Route, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { Instances, Rate } from '#rooms/instances'
import { type Client, clientAnswer } from '../client-record.ts'
import type { Clients } from '../clients.ts'
import { oauthError, registrationError } from '../oauth-errors.ts'
import { assertLinkedApp, type LinkedApps, readMetadata } from '../registration.ts'

export interface RegisterDependencies {
  rates: Instances['rates']
  clients: Clients
  /** Which applications a client may be linked to; undefined: there is no registry. */
  linkedApps(): LinkedApps | undefined
  registrationToken: {
    sign(tenant: Tenant, clientId: string): Promise<string>
    /** Whether the token manages this client. */
    fits(tenant: Tenant, token: string, clientId: string): Promise<boolean>
  }
}

/** Attempts, good or not (`protocol/conventions.md` §7). */
const REGISTRATIONS: Rate = { name: 'oauth-clients', limit: 50, windowMs: 3_600_000 }
/** A client has a few hundred bytes to say about itself. */
const BODY_BYTES = 64 * 1024
const params = z.object({ id: z.string() })

/** Dynamic registration (`protocol/auth.md` §3, RFC 7591 and 7592). */
export function registerRoutes(dependencies: RegisterDependencies): Route[] {
  const { rates, clients, linkedApps, registrationToken } = dependencies

  /** The client a registration token manages. */
  const managed = async (tenant: Tenant, id: string, headers: IncomingHttpHeaders) => {
    const client = await clients.find(tenant, id)
    if (!client) throw oauthError(404, 'Client not found')
    const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
    if (token === undefined || !(await registrationToken.fits(tenant, token, id))) {
      throw oauthError(401, 'invalid_token', { 'www-authenticate': 'Bearer error="invalid_token"' })
    }
    return { client, token }
  }

  return [
    route({
      method: 'POST',
      path: '/auth/register',
      summary: 'Registers a client',
      family: 'oauth',
      permission: {
        public: 'a client that is not known yet has no token; what it gets must be accepted by the person',
      },
      body: { stream: true },
      async handle({ tenant, headers, stream, actorIfAny }) {
        assertAcceptsJson(headers)
        assertSendsJson(headers)
        if ((await rates.hit(tenant.id, REGISTRATIONS)).exceeded) throw notFound('Not found')
        const body = await readJson(stream, headers)
        const allowLoginScope = isTrue(body, 'allow_login_scope')
        if (allowLoginScope && (await knownActor(actorIfAny))?.kind !== 'cli') {
          throw new HttpError(401, 'Only an administrator may register a client with allow_login_scope')
        }
        const metadata = readMetadata(body, tenant)
        await assertLinkedApp(metadata.software_id, linkedApps())
        const { client, secret } = await clients.create(tenant, metadata, { pending: true, allowLoginScope })
        const token = await registrationToken.sign(tenant, client.id)
        return json(
          clientAnswer(client, { client_secret: secret, registration_access_token: token }),
          201,
          NEVER_STORED,
        )
      },
    }),
    route({
      method: 'GET',
      path: '/auth/register/:id',
      summary: 'Tells a client what is registered of it',
      family: 'oauth',
      permission: { public: 'the registration token is checked inside: it is no token of the API' },
      params,
      async handle({ tenant, params: { id }, headers }) {
        assertAcceptsJson(headers)
        const { client } = await managed(tenant, id, headers)
        return json(clientAnswer(client, await secretAnswer(tenant, client)), 200, NEVER_STORED)
      },
    }),
    route({
      method: 'PUT',
      path: '/auth/register/:id',
      summary: 'Replaces what a client says about itself',
      family: 'oauth',
      permission: { public: 'the registration token is checked inside: it is no token of the API' },
      params,
      body: { stream: true },
      async handle({ tenant, params: { id }, headers, stream }) {
        assertAcceptsJson(headers)
        assertSendsJson(headers)
        const { client, token } = await managed(tenant, id, headers)
        const body = await readJson(stream, headers)
        if (body.client_id !== id) throw registrationError('invalid_client_id', 'client_id is not that of this client.')
        const metadata = readMetadata(body, tenant)
        // A client could take the place of an application the person trusts, after having been accepted as another.
        if (metadata.software_id !== client.software_id) {
          throw registrationError('invalid_client_metadata', 'The software_id of a client never changes.')
        }
        const { client_secret: given } = body
        if (given !== undefined && given !== null && typeof given !== 'string') {
          throw registrationError('invalid_client_secret', 'client_secret is not a text.')
        }
        const { client: replaced, secret } = await clients.replace(tenant, client, metadata, given || undefined)
        // cozy-client forgets every member that is not in the answer, its registration token too.
        const secrets = { client_secret: secret, registration_access_token: token }
        return json(clientAnswer(replaced, secrets), 200, NEVER_STORED)
      },
    }),
    route({
      method: 'DELETE',
      path: '/auth/register/:id',
      summary: 'Unregisters a client; its tokens are void from then on',
      family: 'oauth',
      permission: { public: 'the registration token is checked inside: it is no token of the API' },
      params,
      async handle({ tenant, params: { id }, headers }) {
        if (await clients.find(tenant, id)) {
          await managed(tenant, id, headers)
          await clients.remove(tenant, id)
        }
        return noContent()
      },
    }),
  ]

  async function secretAnswer(tenant: Tenant, client: Client): Promise<{ client_secret?: string }> {
    const secret = await clients.secretOf(tenant, client.id)
    return secret === undefined ? {} : { client_secret: secret }
  }
}

/** Answers with secrets in them (RFC 7591 §3.2.1). */
const NEVER_STORED = { 'cache-control': 'no-store' }

function assertAcceptsJson({ accept }: IncomingHttpHeaders): void {
  if (accept === undefined || accept.includes('*/*') || accept.includes('application/json')) return
  throw oauthError(400, 'bad_accept_header')
}

function assertSendsJson(headers: IncomingHttpHeaders): void {
  if (!headers['content-type']?.startsWith('application/json')) throw oauthError(400, 'bad_content_type')
}

async function readJson(stream: Readable, headers: IncomingHttpHeaders): Promise<Record<string, unknown>> {
  const bytes = await readBytes(stream, BODY_BYTES, headers['content-length'])
  let value: unknown
  try {
    value = parseJson(bytes)
  } catch {
    throw registrationError('invalid_client_metadata', 'The body is not JSON.')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw registrationError('invalid_client_metadata', 'The body is not a JSON object.')
}

function isTrue(body: Record<string, unknown>, name: string): boolean {
  const value = body[name]
  if (value !== undefined && value !== null && typeof value !== 'boolean') {
    throw registrationError('invalid_client_metadata', `${name} is neither true nor false.`)
  }
  return value === true
}

/** A token that is no good is the same as none here: the answer is 401 either way. */
async function knownActor(actorIfAny: () => Promise<Actor | undefined>): Promise<Actor | undefined> {
  try {
    return await actorIfAny()
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}
