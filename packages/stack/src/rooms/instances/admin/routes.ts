import { z } from 'zod'
import { bytes, jsonApi, noContent } from '#ground/http/answer'
import { badRequest, notThere } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Archive } from '../archive/index.ts'
import { BLOCKING_REASONS, type Instance } from '../instance.ts'
import type { InstanceChanges, NewInstance } from '../lifecycle.ts'
import type { PassphraseService } from '../passphrase/service.ts'

export interface AdminDeps {
  byDomain(domain: string): Promise<Instance | undefined>
  list(options: { after?: string; limit?: number }): Promise<Instance[]>
  create(wanted: NewInstance): Promise<{ instance: Instance; registerToken: string }>
  update(instance: Instance, changes: InstanceChanges): Promise<Instance>
  destroy(instance: Instance): Promise<void>
  renewSessionSecret(instance: Instance): Promise<void>
  passphrase: PassphraseService
  archive: Archive
}

const ADMINISTRATOR = { public: 'only on the administration listener, which asks for its own password' } as const
const PATH = '/instances/:domain'
const named = z.object({ domain: z.string().min(1) })
const quota = z.number().int().min(0)
const common = {
  locale: z.string().optional(),
  tz: z.string().optional(),
  context: z.string().min(1).max(100).optional(),
  email: z.string().max(320).optional(),
  publicName: z.string().max(500).optional(),
  flags: z.record(z.string(), z.unknown()).optional(),
}
const newInstance = z.strictObject({
  ...common,
  domain: z.string().min(1),
  quotaBytes: quota.optional(),
  settings: z.record(z.string(), z.unknown()).optional(),
})
const changes = z.strictObject({
  ...common,
  domain: z.string().min(1).optional(),
  autoUpdate: z.boolean().optional(),
  onboardingFinished: z.boolean().optional(),
  quotaBytes: quota.nullable().optional(),
  blocked: z.enum(BLOCKING_REASONS).nullable().optional(),
})
const newPassphrase = z.strictObject({
  passphrase: z.string().min(1).max(4096),
  iterations: z.number().int().min(0),
  hint: z.string().max(1000).optional(),
})

/** Instances for the administrator. Bodies are plain JSON, answers JSON:API. */
export function adminRoutes({ archive, passphrase, ...instances }: AdminDeps): Route[] {
  const at = async (domain: string): Promise<Instance> => {
    const instance = await instances.byDomain(domain)
    if (!instance) throw notThere(`There is no instance at ${domain}`)
    return instance
  }

  return [
    route({
      method: 'GET',
      path: '/instances',
      summary: 'Lists instances by domain',
      family: 'json-api',
      permission: ADMINISTRATOR,
      query: z.object({ after: z.string().optional(), limit: z.coerce.number().int().min(1).max(1000).default(1000) }),
      async handle({ query: { after, limit } }) {
        const found = await instances.list({ limit: limit + 1, ...(after !== undefined && { after }) })
        const shown = found.slice(0, limit)
        const last = found.length > limit ? shown.at(-1) : undefined
        return jsonApi({
          data: shown.map(asResource),
          meta: { count: shown.length },
          ...(last && { links: { next: `/instances?limit=${limit}&after=${encodeURIComponent(last.domain)}` } }),
        })
      },
    }),
    route({
      method: 'POST',
      path: '/instances',
      summary: 'Makes an instance; the answer has the token with which its first passphrase is chosen',
      family: 'json-api',
      permission: ADMINISTRATOR,
      body: { json: newInstance },
      async handle({ body }) {
        const { instance, registerToken } = await instances.create(body)
        const { attributes, ...resource } = asResource(instance)
        return jsonApi({ data: { ...resource, attributes: { ...attributes, register_token: registerToken } } }, 201)
      },
    }),
    route({
      method: 'GET',
      path: PATH,
      summary: 'Shows an instance',
      family: 'json-api',
      permission: ADMINISTRATOR,
      params: named,
      handle: async ({ params }) => jsonApi({ data: asResource(await at(params.domain)) }),
    }),
    route({
      method: 'PATCH',
      path: PATH,
      summary: 'Changes an instance; another domain moves it',
      family: 'json-api',
      permission: ADMINISTRATOR,
      params: named,
      body: { json: changes },
      async handle({ params, body }) {
        return jsonApi({ data: asResource(await instances.update(await at(params.domain), body)) })
      },
    }),
    route({
      method: 'DELETE',
      path: PATH,
      summary: 'Destroys an instance and everything in it',
      family: 'json-api',
      permission: ADMINISTRATOR,
      params: named,
      async handle({ params }) {
        await instances.destroy(await at(params.domain))
        return noContent()
      },
    }),
    route({
      method: 'GET',
      path: `${PATH}/passphrase`,
      summary: 'How the passphrase of an instance is to be derived before it is sent',
      family: 'json-api',
      permission: ADMINISTRATOR,
      params: named,
      async handle({ params }) {
        const instance = await at(params.domain)
        const attributes = await passphrase.params(instance)
        return jsonApi({ data: { type: 'instances.passphrases', id: instance.domain, attributes, meta: {} } })
      },
    }),
    route({
      method: 'PUT',
      path: `${PATH}/passphrase`,
      summary: 'Sets the passphrase of an instance, derived; sessions and tokens of apps end',
      family: 'json-api',
      permission: ADMINISTRATOR,
      params: named,
      body: { json: newPassphrase },
      async handle({ params, body }) {
        if (body.iterations === 0) throw badRequest('The passphrase must be derived before it is sent')
        await passphrase.set(await at(params.domain), body)
        return noContent()
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/register-token`,
      summary: 'Another token to choose the first passphrase with; the one before is void',
      family: 'json-api',
      permission: ADMINISTRATOR,
      params: named,
      async handle({ params }) {
        const instance = await at(params.domain)
        if (instance.passphraseDefined) throw badRequest(`${instance.domain} has a passphrase already`)
        const attributes = { register_token: await passphrase.newRegisterToken(instance) }
        return jsonApi({ data: { type: 'instances', id: instance.domain, attributes, meta: {} } })
      },
    }),
    route({
      method: 'POST',
      path: `${PATH}/export`,
      summary: 'An instance as a tar archive; its secrets sealed with a passphrase, or left out',
      family: 'json-api',
      permission: ADMINISTRATOR,
      params: named,
      body: { json: z.strictObject({ passphrase: z.string().min(1).max(4096).optional() }), optional: true },
      async handle({ params, body }) {
        const stream = await archive.export(await at(params.domain), { passphrase: body?.passphrase })
        return bytes(stream, { 'content-type': 'application/x-tar', 'cache-control': 'no-store' })
      },
    }),
    route({
      method: 'POST',
      path: '/instances/import',
      summary: 'Makes an instance of an archive',
      family: 'json-api',
      permission: ADMINISTRATOR,
      query: z.object({ domain: z.string().min(1).optional() }),
      body: { stream: true },
      async handle({ query, stream, headers }) {
        const passphrase = archivePassphrase(headers['archive-passphrase'])
        const { instance, ...counts } = await archive.import(stream, { domain: query.domain, passphrase })
        const { attributes, ...resource } = asResource(instance)
        return jsonApi({ data: { ...resource, attributes }, meta: counts }, 201)
      },
    }),
  ]
}

/** In a header, base64url of UTF-8: an address would be written into logs. */
function archivePassphrase(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string' || header === '') return undefined
  if (!/^[\w-]+$/.test(header)) throw badRequest('The header Archive-Passphrase is base64url of the passphrase')
  return Buffer.from(header, 'base64url').toString('utf8')
}

function asResource(instance: Instance) {
  const { domain, oldDomain, url, uuid, locale, tz, context, email, publicName, quotaBytes, blocked, flags } = instance
  return {
    type: 'instances',
    id: domain,
    attributes: {
      domain,
      ...(oldDomain !== undefined && { old_domain: oldDomain }),
      url,
      uuid,
      locale,
      tz,
      context,
      email,
      public_name: publicName,
      auto_update: instance.autoUpdate,
      auth_mode: instance.authMode,
      onboarding_finished: instance.onboardingFinished,
      passphrase_defined: instance.passphraseDefined,
      ...(quotaBytes !== undefined && { quota_bytes: quotaBytes }),
      ...(blocked !== undefined && { blocked }),
      flags,
      created_at: instance.createdAt,
    },
    meta: {},
    links: { self: `/instances/${encodeURIComponent(domain)}` },
  }
}
