import { createHash } from 'node:crypto'
import { type Answer, page } from '#ground/http/answer'

/** With the implicit grant the token stands behind the `#`, which browsers send to no server: the page sends it on. */
const SCRIPT = "location.hash.length>1&&location.replace(location.pathname+'?'+location.hash.slice(1))"
const HASH = createHash('sha256').update(SCRIPT).digest('base64')
const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>…</title><script>${SCRIPT}</script></html>`

export const relayPage = (): Answer => {
  const answer = page(HTML)
  return {
    ...answer,
    headers: {
      ...answer.headers,
      'content-security-policy': `default-src 'none'; script-src 'sha256-${HASH}'`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    },
  }
}
