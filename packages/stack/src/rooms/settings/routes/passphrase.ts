import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { json, noContent, redirect } from '#ground/http/answer'
import { badRequest, HttpError, JsonApiError, notThere } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Instance, Instances } from '#rooms/instances'
import { SETTINGS, settingsAnswer } from '../document.ts'

export type PassphraseDeps = Pick<Instances, 'passphrase' | 'sessions' | 'redirects'>

const whole = (verb: 'GET' | 'PUT') => ({ whole: verb, of: SETTINGS }) as const
/** Keys of password managers are a few kilobytes; the first passphrase is chosen without any token. */
const BODY_BYTES = 64 * 1024
const derived = z.string().min(1).max(4096)
const iterations = z.coerce.number().int()
const keys = { key: z.string().optional(), hint: z.string().max(1000).optional() }

const first = z.object({
  register_token: z.string().max(200),
  passphrase: derived,
  iterations: iterations.default(0),
  public_key: z.string().optional(),
  private_key: z.string().optional(),
  redirection: z.string().max(8192).optional(),
  ...keys,
})
const change = z.object({
  current_passphrase: z.string().max(4096).optional(),
  new_passphrase: derived.optional(),
  iterations: iterations.default(0),
  publicKey: z.string().optional(),
  privateKey: z.string().optional(),
  ...keys,
})

/** The passphrase (`protocol/settings.md` §6). What comes in is derived by the client already. */
export function passphraseRoutes({ passphrase, sessions, redirects }: PassphraseDeps): Route[] {
  /** `slug/#/path` is a place in an application; anything else an address of the instance. */
  const placeOf = (instance: Instance, redirection: string): string | undefined => {
    const [, slug, rest = ''] = /^([a-z0-9][a-z0-9-]*)\/?(#.*)?$/.exec(redirection) ?? []
    return redirects.allowed(instance, slug === undefined ? redirection : `${redirects.appUrl(instance, slug)}${rest}`)
  }

  return [
    route({
      method: 'GET',
      path: '/settings/passphrase',
      summary: 'How the passphrase is derived before it is sent',
      family: 'json-api',
      permission: whole('GET'),
      evenWhenBlocked: true,
      handle: async ({ tenant }) => settingsAnswer('passphrase', await passphrase.params(tenant as Instance)),
    }),
    route({
      method: 'POST',
      path: '/settings/passphrase',
      summary: 'Chooses the first passphrase',
      family: 'json-api',
      permission: { public: 'the register token stands in the body' },
      evenWhenBlocked: true,
      body: { form: first },
      bodyLimit: BODY_BYTES,
      async handle({ tenant, headers, body }) {
        const instance = tenant as Instance
        const {
          register_token: registerToken,
          public_key: publicKey,
          private_key: privateKey,
          redirection,
          ...input
        } = body
        const to = redirection ? placeOf(instance, redirection) : await redirects.home(instance)
        if (to === undefined) throw badRequest('the redirection leads out of this instance')
        await passphrase.define(instance, { ...input, registerToken, publicKey, privateKey })
        const { setCookie } = await sessions.open(instance, { kind: 'long' })
        const more = { 'set-cookie': setCookie, 'cache-control': 'no-store' }
        return wantsPage(headers) ? redirect(to, 303, more) : json({ redirect: to }, 200, more)
      },
    }),
    route({
      method: 'PUT',
      path: '/settings/passphrase',
      summary: 'Changes the passphrase; sessions and tokens of apps end',
      family: 'json-api',
      permission: whole('PUT'),
      evenWhenBlocked: true,
      body: { json: change },
      bodyLimit: BODY_BYTES,
      async handle({ tenant, headers, body, address }) {
        assertJson(headers)
        const instance = tenant as Instance
        const { current_passphrase: current, new_passphrase: next, ...input } = body
        if (!current || !next) throw badRequest('current_passphrase and new_passphrase are both needed')
        await passphrase.change(instance, { ...input, current, passphrase: next, address })
        const { setCookie } = await sessions.open(instance)
        return noContent({ 'set-cookie': setCookie })
      },
    }),
    route({
      method: 'POST',
      path: '/settings/passphrase/check',
      summary: 'Whether a passphrase is the right one',
      family: 'json-api',
      permission: whole('PUT'),
      evenWhenBlocked: true,
      body: { json: z.object({ passphrase: z.string().max(4096) }) },
      bodyLimit: BODY_BYTES,
      async handle({ tenant, headers, body, address }) {
        assertJson(headers)
        if (await passphrase.verify(tenant as Instance, body.passphrase, { address })) return noContent()
        throw new JsonApiError(403, 'Forbidden', 'Invalid passphrase')
      },
    }),
    route({
      method: 'GET',
      path: '/settings/hint',
      summary: 'Whether there is a hint for the passphrase',
      family: 'json-api',
      permission: whole('GET'),
      evenWhenBlocked: true,
      async handle({ tenant }) {
        if ((await passphrase.hint(tenant as Instance)) === undefined) throw notThere('There is no hint')
        return noContent()
      },
    }),
    route({
      method: 'PUT',
      path: '/settings/hint',
      summary: 'Changes the hint for the passphrase',
      family: 'json-api',
      permission: whole('PUT'),
      evenWhenBlocked: true,
      body: { json: z.object({ hint: z.string().max(1000) }) },
      bodyLimit: BODY_BYTES,
      async handle({ tenant, body }) {
        await passphrase.setHint(tenant as Instance, body.hint)
        return noContent()
      },
    }),
    route({
      method: 'PUT',
      path: '/settings/instance/auth_mode',
      summary: 'Changes how one signs in; this server knows the passphrase only',
      family: 'json-api',
      permission: whole('PUT'),
      evenWhenBlocked: true,
      body: { json: z.object({ auth_mode: z.string() }) },
      bodyLimit: BODY_BYTES,
      handle({ headers, body }) {
        assertJson(headers)
        if (body.auth_mode === 'basic') return noContent()
        throw new JsonApiError(422, 'Invalid Attribute', 'This server sends no mail yet: only "basic" is possible', {
          pointer: 'auth_mode',
        })
      },
    }),
  ]
}

/** These want JSON and say so, so that no form of another site can be their body (`protocol/conventions.md` §1). */
function assertJson(headers: IncomingHttpHeaders): void {
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) throw new HttpError(415, 'Unsupported Media Type')
}

const wantsPage = ({ accept = '' }: IncomingHttpHeaders) => accept.includes('text/html')
