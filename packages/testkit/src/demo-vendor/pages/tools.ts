import { escapeHtml } from '../format.ts'
import { BEHAVIOURS, type Mode } from '../modes.ts'
import type { TextMessage } from '../options.ts'
import type { Visit } from '../visit.ts'
import { layout } from './layout.ts'

/** The text messages sent, newest first, for somebody who plays with the demo by hand. */
export function phonePage(visit: Visit, messages: readonly TextMessage[]): string {
  const items = messages
    .map(
      ({ to, code, text, at }) =>
        `<li class="sms" data-to="${escapeHtml(to)}" data-code="${code}">${at.toISOString()} · ${escapeHtml(to)}<br>${escapeHtml(text)}</li>`,
    )
    .join('\n')
  return layout(visit, 'Phone', `<h1>Phone</h1>\n${items ? `<ul>${items}</ul>` : '<p>No message yet.</p>'}`)
}

export function modesPage(visit: Visit, mode: Mode): string {
  const site = new Set([mode.site ?? []].flat() as string[])
  const boxes = Object.entries(BEHAVIOURS).map(
    ([name, effect]) =>
      `<label><input type="checkbox" name="site" value="${name}"${site.has(name) ? ' checked' : ''}> <strong>${name}</strong>: ${effect}</label>`,
  )
  const paths = mode.paths
    ? `<p>By path: <code>${escapeHtml(JSON.stringify(mode.paths))}</code> (saving removes it)</p>`
    : ''
  return layout(
    visit,
    'Troubles',
    `<h1>What is wrong with the site</h1>\n${paths}
<form id="modes-form" action="/_modes" method="post">\n${boxes.join('\n')}\n<button type="submit">Apply</button></form>`,
  )
}
