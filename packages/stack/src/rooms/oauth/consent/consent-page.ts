import { type Html, html } from '#rooms/instances'
import type { Rule } from '#rooms/permissions'
import type { Client } from '../client-record.ts'
import { destination } from '../redirect-uri.ts'
import { describeRule } from './describe.ts'
import type { ConsentWords } from './words.ts'

export interface ConsentPage {
  client: Client
  /** Domain of the instance. */
  domain: string
  rules: Rule[]
  redirectUri: string
  refusalUrl: string
  /** Sent back by the form as they are. */
  fields: Record<string, string>
}

/** What a person reads before giving a client access: who, where to, what; accept and refuse. */
export function consentBody(
  { client, domain, rules, redirectUri, refusalUrl, fields }: ConsentPage,
  words: ConsentWords,
) {
  return html`<p>${words.asks(client.client_name, domain)}</p>
<p><strong>${words.goesTo(destination(redirectUri))}</strong></p>
<p class="faint">${words.claims}</p>
${about(client, words)}
<h2>${words.wants}</h2>
<ul>${rules.map(rule => {
    const { text, restriction } = describeRule(rule, words)
    return html`<li>${text}${restriction !== undefined && html`<br><span class="faint">${restriction}</span>`}</li>\n`
  })}</ul>
<form method="post" action="/auth/authorize">
${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">\n`)}
<div class="actions"><button type="submit">${words.accept}</button>
<a class="button second" href="${refusalUrl}" rel="noreferrer">${words.refuse}</a></div>
</form>
<p class="faint">${words.revoke}</p>`
}

function about({ client_uri, policy_uri, software_version }: Client, words: ConsentWords): Html | false | undefined {
  const items = [
    software_version !== undefined && html`<li>${words.version(software_version)}</li>`,
    link(words.website, client_uri),
    link(words.policy, policy_uri),
  ].filter(item => item !== false && item !== undefined)
  return items.length > 0 && html`<ul class="faint">${items}</ul>`
}

/** Only web pages become links: a client could give `javascript:…` as its site. */
function link(label: string, uri: string | undefined): Html | false | undefined {
  const url = uri === undefined ? null : URL.parse(uri)
  if (!url || !/^https?:$/.test(url.protocol)) return undefined
  return html`<li>${label}: <a href="${url.href}" rel="noreferrer noopener" target="_blank">${url.host}</a></li>`
}
