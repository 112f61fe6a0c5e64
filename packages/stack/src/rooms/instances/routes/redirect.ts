import type { Documents } from '#ground/documents/contract'
import { appHost, normaliseHost, type Subdomains, splitHost } from '../domain.ts'
import type { Instance } from '../instance.ts'

const APPS = 'io.cozy.apps'

/** Where a person goes after signing in. */
export function createRedirects({ documents, subdomains }: { documents: Documents; subdomains: Subdomains }) {
  const appUrl = (instance: Instance, slug: string): string =>
    new URL(`${new URL(instance.url).protocol}//${appHost(new URL(instance.url).host, slug, subdomains)}/`).href

  return {
    appUrl,

    /** The home app where it is installed, else the instance's own page. */
    async home(instance: Instance): Promise<string> {
      const app = await documents.of(instance).get(APPS, `${APPS}/home`)
      return app && !app.deleted ? appUrl(instance, 'home') : instance.url
    },

    /**
     * A `redirect` parameter as it may be followed: on the instance or on one of its apps.
     * @returns the URL written anew, undefined when it leads elsewhere
     */
    allowed(instance: Instance, redirect: string): string | undefined {
      const base = new URL(instance.url)
      if (!URL.canParse(redirect, base)) return undefined
      const url = new URL(redirect, base)
      if (url.protocol !== base.protocol || url.username !== '' || url.password !== '') return undefined
      if (url.host === base.host) return url.href
      const host = normaliseHost(url.host)
      const app = host === undefined ? undefined : splitHost(host, subdomains)
      const isApp = app?.parent === normaliseHost(base.host) && /^[a-z0-9][a-z0-9-]*$/.test(app?.slug ?? '')
      return isApp ? url.href : undefined
    },
  }
}

export type Redirects = ReturnType<typeof createRedirects>
