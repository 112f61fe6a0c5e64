/** A page as a test sees it. */
export interface Page {
  status: number
  url: string
  headers: Headers
  text: string
}

/** A very small browser: cookies by hand (with paths), redirects followed by hand, forms read with regular expressions. */
export interface Browser {
  readonly cookies: Map<string, { value: string; path: string }>
  /** Lines of every `set-cookie` received. */
  readonly setCookies: string[]
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Follows redirects on the same site. */
  open(path: string, init?: RequestInit): Promise<Page>
  /** Fills and sends a form of a page; hidden fields and checked values are kept. */
  submit(page: Page, selector: string, fields: Record<string, string>): Promise<Page>
}

export function createBrowser(base: string): Browser {
  const cookies: Browser['cookies'] = new Map()
  const setCookies: string[] = []

  const browser: Browser = {
    cookies,
    setCookies,
    async fetch(path, init = {}) {
      const url = new URL(path, base)
      const header = [...cookies]
        .filter(([, { path: scope }]) => url.pathname === scope || url.pathname.startsWith(scope.replace(/\/?$/, '/')))
        .map(([name, { value }]) => `${name}=${value}`)
        .join('; ')
      const headers = new Headers(init.headers)
      if (header) headers.set('cookie', header)
      const response = await fetch(url, { redirect: 'manual', ...init, headers })
      for (const line of response.headers.getSetCookie()) {
        setCookies.push(line)
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        const scope = /;\s*path=([^;]+)/i.exec(line)?.[1] ?? '/'
        if (value === '') cookies.delete(name)
        else cookies.set(name, { value, path: scope })
      }
      return response
    },
    async open(path, init) {
      let url = new URL(path, base)
      let response = await browser.fetch(url.href, init)
      for (let hops = 0; response.status === 302 && hops < 10; hops++) {
        url = new URL(response.headers.get('location') ?? '', url)
        if (url.origin !== new URL(base).origin) break
        await response.arrayBuffer()
        response = await browser.fetch(url.href)
      }
      return {
        status: response.status,
        url: url.href.replace(base, ''),
        headers: response.headers,
        text: await response.text(),
      }
    },
    submit(page, selector, fields) {
      const id = selector.replace('#', '')
      const form = new RegExp(`<form id="${id}"[^>]*>[\\s\\S]*?</form>`).exec(page.text)?.[0]
      if (!form) throw new Error(`No ${selector} on ${page.url}`)
      const values: Record<string, string> = {}
      for (const [input] of form.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
        values[/name="([^"]*)"/.exec(input)?.[1] ?? ''] = (/value="([^"]*)"/.exec(input)?.[1] ?? '').replaceAll(
          '&amp;',
          '&',
        )
      }
      const action = (/action="([^"]*)"/.exec(form)?.[1] ?? page.url).replaceAll('&amp;', '&')
      return browser.open(action, { method: 'POST', body: new URLSearchParams({ ...values, ...fields }) })
    },
  }
  return browser
}

/** Logs in through the form and returns the page one lands on. */
export async function logIn(browser: Browser, username: string, password: string, more: Record<string, string> = {}) {
  const page = await browser.open('/login')
  return browser.submit(page, '#login-form', { username, password, ...more })
}

export const ADA = ['ada@example.org', 'lovelace-1843'] as const
export const GRACE = ['grace@example.org', 'hopper-1906'] as const
