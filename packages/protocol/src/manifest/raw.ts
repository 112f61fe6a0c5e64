/**
 * The manifest as its author wrote it: an open object where nothing is sure (`protocol/manifest.md` section 1).
 * Known properties are listed as `unknown` on purpose: nobody checks them upstream ("expect anything", section 4),
 * so reading one means checking it. {@link normaliseManifest} does that once for everybody.
 */
export interface RawManifest {
  slug?: unknown
  name?: unknown
  version?: unknown
  type?: unknown
  editor?: unknown
  icon?: unknown
  fields?: unknown
  folders?: unknown
  permissions?: unknown
  locales?: unknown
  on_delete_account?: unknown
  clientSide?: unknown
  parameters?: unknown
  [property: string]: unknown
}

/** True for a JSON object (not null, not an array). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The strings of an array, or of a lone string; anything else gives an empty list. */
export function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value]
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string' && item !== '') : []
}
