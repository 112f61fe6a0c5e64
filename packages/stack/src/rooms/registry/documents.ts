/** JSON of a registry: open objects that go on to clients as they came. */
export type RegistryObject = Record<string, unknown>

export const isObject = (value: unknown): value is RegistryObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The members of a version that installing reads (`protocol/konnectors-api.md` §7). */
export interface PublishedVersion {
  slug: string
  version: string
  /** Lower-case hex of the archive. */
  sha256: string
  url: string
  /** Directory in the archive that holds the konnector; empty: not said. */
  tarPrefix: string
  manifest: RegistryObject
}

/** Reads a version; undefined when a member that is needed is not there. */
export function readVersion(json: RegistryObject): PublishedVersion | undefined {
  const { slug, version, sha256, url, tar_prefix: tarPrefix, manifest } = json
  const isComplete =
    typeof slug === 'string' &&
    typeof version === 'string' &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/i.test(sha256) &&
    typeof url === 'string' &&
    isObject(manifest)
  if (!isComplete) return undefined
  return {
    slug,
    version,
    sha256: sha256.toLowerCase(),
    url,
    tarPrefix: typeof tarPrefix === 'string' ? tarPrefix : '',
    manifest,
  }
}
