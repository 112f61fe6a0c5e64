import { type Answer, page } from '#ground/http/answer'
import { assetPath } from './assets.ts'
import { type Html, html } from './html.ts'
import { wordsOf } from './words.ts'

export interface PageOptions {
  title: string
  /** What stands in `<main>` below the title. */
  body: Html
  /** `fr` and its kin are French, anything else English. */
  locale: string
  /** Shown in the header, usually the instance's domain. */
  domain?: string
  /** Names of scripts in `assets/`, loaded as modules from our own origin: no inline script ever runs on these pages. */
  scripts?: string[]
}

/**
 * A whole page for people: header, light and dark, readable at 320 px and by a screen reader, without any script of its own.
 * @returns HTML text
 */
export function renderPage({ title, body, locale, domain, scripts = [] }: PageOptions): string {
  const words = wordsOf(locale)
  return html`<!doctype html>
<html lang="${words.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="same-origin">
<title>${title} – Konnectory</title>
<link rel="stylesheet" href="${assetPath('page.css')}">
${scripts.map(name => html`<script type="module" src="${assetPath(name)}"></script>\n`)}</head>
<body>
<header><span class="mark" aria-hidden="true"></span><span>Konnectory</span>${
    domain !== undefined && html`<span class="domain">${domain}</span>`
  }</header>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.text
}

/**
 * A page as an answer: never stored, never framed, with a policy that lets only our own style and scripts in.
 * @param formTargets origins a form of this page may end at, by a redirect too (Chrome checks those as well): the consent
 *   page names that of the client's redirect URI
 */
export function pageAnswer(
  options: PageOptions & { status?: number; formTargets?: string[]; headers?: Record<string, string> },
): Answer {
  const { status = 200, formTargets = [], headers = {} } = options
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    // A target is an origin we made of a parsed URL; what is not must not widen the policy.
    `form-action ${["'self'", ...formTargets.filter(target => /^[a-z][a-z0-9+.-]*:[^\s;,]*$/i.test(target))].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
  return page(renderPage(options), status, {
    'content-security-policy': policy,
    'cache-control': 'no-store',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    ...headers,
  })
}
