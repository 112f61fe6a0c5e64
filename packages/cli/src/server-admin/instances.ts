import type { AdminClient } from './client.ts'

/** An instance as the administration shows it. */
export interface InstanceResource {
  domain: string
  old_domain?: string
  url: string
  uuid: string
  locale: string
  tz: string
  context: string
  email: string
  public_name: string
  onboarding_finished: boolean
  passphrase_defined: boolean
  quota_bytes?: number
  blocked?: string
  flags: Record<string, unknown>
  created_at: string
  register_token?: string
}

interface Document<T> {
  data: { attributes: T }
}

export const pathOf = (domain: string): string => `instances/${encodeURIComponent(domain)}`

/** All instances, page after page. */
export async function listInstances(client: AdminClient): Promise<InstanceResource[]> {
  const found: InstanceResource[] = []
  let next: string | undefined = 'instances'
  while (next) {
    const page: { data: { attributes: InstanceResource }[]; links?: { next?: string } } = await client.json(next)
    found.push(...page.data.map(({ attributes }) => attributes))
    next = page.links?.next?.replace(/^\//, '')
  }
  return found
}

export const showInstance = async (client: AdminClient, domain: string): Promise<InstanceResource> =>
  (await client.json<Document<InstanceResource>>(pathOf(domain))).data.attributes

export const addInstance = async (client: AdminClient, body: object): Promise<InstanceResource> =>
  (await client.json<Document<InstanceResource>>('instances', { method: 'POST', body })).data.attributes

export const changeInstance = async (client: AdminClient, domain: string, body: object): Promise<InstanceResource> =>
  (await client.json<Document<InstanceResource>>(pathOf(domain), { method: 'PATCH', body })).data.attributes

/** Where the first passphrase is chosen. */
export const registerLink = ({ url, register_token: token = '' }: InstanceResource): string =>
  `${url}auth/passphrase?registerToken=${token}`

/** How the passphrase of an instance is derived. */
export const passphraseParams = async (client: AdminClient, domain: string): Promise<{ salt: string }> =>
  (await client.json<Document<{ salt: string }>>(`${pathOf(domain)}/passphrase`)).data.attributes
