import { badRequest } from '#ground/http/errors'
import { compareVersions, isObject } from '#rooms/registry'
import type { Source } from './source/parse.ts'

export interface InstallRequest {
  slug: string
  source: string
  /** Takes the place of the manifest's; of a registry's konnector it does not count. */
  parameters?: Record<string, unknown> | undefined
  /** End as `installed`: it becomes `ready` at its first run. */
  deactivated?: boolean | undefined
}

export interface UpdateRequest {
  slug: string
  /** Undefined: where it came from. */
  source?: string | undefined
  /** Whether the owner has agreed to what the new version asks for. */
  permissionsAcked: boolean
  parameters?: Record<string, unknown> | undefined
}

/** A registry's konnector has the parameters it was published with. */
export function parametersOf(
  source: Source,
  given: Record<string, unknown> | undefined,
): Record<string, unknown> | undefined {
  return source.kind === 'registry' ? undefined : given
}

/** The query's `Parameters`. @throws JsonApiError 400 */
export function readParameters(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined || text === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badRequest('Parameters is not JSON')
  }
  if (value === null) return undefined
  if (!isObject(value)) throw badRequest('Parameters is not a JSON object')
  return value
}

/** Whether a version on a channel is one to update to: on `stable` only a greater one counts. */
export const isNewer = (channel: string, installed: string, offered: string): boolean =>
  offered !== installed && (channel !== 'stable' || compareVersions(offered, installed) > 0)
