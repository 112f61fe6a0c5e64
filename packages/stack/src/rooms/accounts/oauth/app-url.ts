import type { Tenant } from '#ground/tenant'

/** App a browser comes back to when the client named none. */
const HOME = 'home'

/** A name that can be a part of a host: anything else must not decide where a browser is sent. */
export const isAppSlug = (slug: string): boolean => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(slug) && slug.length <= 63

/**
 * The URL of an app of an instance (`protocol/conventions.md` §2) with a query; parameters without value are left out.
 * An instance without a name to put an app before (an address) has none: then it is the instance's own.
 */
export function appUrl(
  { url }: Tenant,
  slug: string | undefined,
  subdomains: 'nested' | 'flat',
  parameters: Record<string, string | null | undefined>,
): string {
  const { protocol, host } = new URL(url)
  const [first = '', ...rest] = host.split('.')
  const app = slug ?? HOME
  const name = subdomains === 'nested' ? `${app}.${host}` : [`${first}-${app}`, ...rest].join('.')
  const base = `${protocol}//${name}/`
  const target = new URL(URL.canParse(base) ? base : url)
  for (const [key, value] of Object.entries(parameters)) if (value) target.searchParams.set(key, value)
  return target.href
}
