import type { Answer } from '#ground/http/answer'
import { jsonApi } from '#ground/http/answer'

/** All these routes speak of one doctype; `/settings/<name>` is the document `io.cozy.settings.<name>`. */
export const SETTINGS = 'io.cozy.settings'

/** A settings document as JSON:API. @param name the last part of its id and path */
export function settingsAnswer(
  name: string,
  attributes: Record<string, unknown>,
  { rev, included }: { rev?: string; included?: object[] } = {},
): Answer {
  return jsonApi({
    data: {
      type: SETTINGS,
      id: `${SETTINGS}.${name}`,
      attributes,
      meta: rev === undefined ? {} : { rev },
      links: { self: `/settings/${name}` },
    },
    ...(included && { included }),
  })
}
