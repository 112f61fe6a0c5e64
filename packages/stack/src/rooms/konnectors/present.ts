import type { Tenant } from '#ground/tenant'
import { bodyWith, idOf, KONNECTORS, type Konnector, SERVER_MEMBERS } from './konnector.ts'
import type { Stage } from './progress.ts'

/** A konnector as JSON:API (`protocol/konnectors-api.md` §1); `rev` is absent before there is a document. */
export function presentStage({ body, rev }: Pick<Stage, 'body' | 'rev'>): object {
  const slug = String(body.slug)
  const version = String(body.version)
  return {
    type: KONNECTORS,
    id: idOf(slug),
    attributes: body,
    meta: rev === undefined ? {} : { rev },
    links: {
      self: `/konnectors/${slug}`,
      ...(typeof body.icon === 'string' &&
        body.icon !== '' && { icon: `/konnectors/${slug}/icon/${encodeURIComponent(version)}` }),
      permissions: `/permissions/konnectors/${slug}`,
    },
  }
}

/** An installed one: the author's manifest in the author's order, and what the document says. */
export function presentKonnector({ body, manifest, rev }: Konnector): object {
  const members = Object.fromEntries(SERVER_MEMBERS.map(name => [name, body[name]]))
  return presentStage({ body: bodyWith(manifest, members), rev })
}

/** Address of the next page (`protocol/conventions.md` §6). */
export function nextPage({ url }: Tenant, limit: number, startKey: string): string {
  const next = new URL('konnectors/', url)
  next.searchParams.set('limit', String(limit))
  next.searchParams.set('start_key', startKey)
  return next.href
}
