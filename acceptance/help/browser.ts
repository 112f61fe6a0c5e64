import { pbkdf2Sync } from 'node:crypto'

/** Node's own, whatever a client puts in its place. */
const { fetch } = globalThis

/** What is sent instead of the passphrase (`protocol/auth.md` §2). */
export function hashPassphrase(passphrase: string, salt: string, iterations: number): string {
  const master = pbkdf2Sync(passphrase, salt, iterations, 32, 'sha256')
  return pbkdf2Sync(master, passphrase, 1, 32, 'sha256').toString('base64')
}

export interface Page {
  url: string
  status: number
  html: string
}

/** A person's browser, as far as signing in and consenting go: it keeps cookies, follows redirects and sends forms. */
export class Browser {
  #cookies = new Map<string, string>()

  /** Opens a page, following redirects within its site; one that leads elsewhere is where it stops, unopened. */
  async open(url: string, form?: Record<string, string>): Promise<Page> {
    const site = new URL(url).origin
    let fields = form
    for (let hops = 0; hops < 10; hops++) {
      if (new URL(url).origin !== site) return { url, status: 0, html: '' }
      const answer = await fetch(url, {
        redirect: 'manual',
        method: fields ? 'POST' : 'GET',
        headers: { accept: 'text/html,*/*;q=0.8', cookie: [...this.#cookies].map(pair => pair.join('=')).join('; ') },
        ...(fields && { body: new URLSearchParams(fields) }),
      })
      for (const cookie of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
        this.#cookies.set(name, value)
      }
      const location = answer.headers.get('location')
      if (!location) return { url, status: answer.status, html: await answer.text() }
      url = new URL(location, url).href
      fields = undefined
    }
    throw new Error(`Too many redirects, the last to ${url}`)
  }

  /** Sends the only form of a page, with some fields filled in. */
  submit(page: Page, filled: Record<string, string> = {}): Promise<Page> {
    const action = attribute(/<form\b[^>]*\baction="([^"]*)"/.exec(page.html)?.[1])
    return this.open(new URL(action, page.url).href, { ...hiddenFields(page.html), ...filled })
  }

  /** Signs in on a login page, as its script does. */
  signIn(page: Page, passphrase: string): Promise<Page> {
    const salt = attribute(/data-salt="([^"]*)"/.exec(page.html)?.[1])
    const iterations = Number(attribute(/data-iterations="([^"]*)"/.exec(page.html)?.[1]))
    return this.submit(page, { passphrase: hashPassphrase(passphrase, salt, iterations) })
  }
}

function hiddenFields(html: string): Record<string, string> {
  return Object.fromEntries(
    Array.from(html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g), ([, name, value]) => [
      attribute(name),
      attribute(value),
    ]),
  )
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

function attribute(text: string | undefined): string {
  if (text === undefined) throw new Error('The page has no such form')
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ENTITIES[name] ?? '')
}
