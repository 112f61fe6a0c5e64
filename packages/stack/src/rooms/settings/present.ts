import { type Answer, jsonApi } from '#ground/http/answer'
import { JsonApiError } from '#ground/http/errors'
import { SETTINGS } from '#rooms/instances'

export interface SettingOptions {
  rev?: string | undefined
  meta?: Record<string, unknown>
  included?: object[]
}

/** One settings document: `io.cozy.settings.<name>` at `/settings/<name>` (`protocol/settings.md`). */
export const settingObject = (name: string, attributes: object, rev?: string, self = `/settings/${name}`) => ({
  type: SETTINGS,
  id: `${SETTINGS}.${name}`,
  attributes,
  meta: rev === undefined ? {} : { rev },
  links: { self },
})

export const settingAnswer = (name: string, attributes: object, { rev, included }: SettingOptions = {}): Answer =>
  jsonApi({ data: settingObject(name, attributes, rev), ...(included && { included }) })

/** Routes of the ecosystem that this server does not have: a sentence instead of "not found". */
export const notHere = (detail: string) => new JsonApiError(501, 'Not Implemented', detail)
