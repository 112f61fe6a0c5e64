import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `manifest.konnector`, as written by its author. */
export interface ManifestData {
  slug?: string
  version?: string
  name?: string
  fields?: Record<string, unknown>
  banksTransactionRegExp?: string
  [property: string]: unknown
}

/** What `getCozyMetadata` returns. Dates are `Date` objects; they become ISO 8601 text on the wire. */
export interface CozyMetadataDraft {
  doctypeVersion?: unknown
  metadataVersion?: unknown
  createdAt?: Date | string
  createdByApp?: string | undefined
  createdByAppVersion?: string | undefined
  updatedAt?: Date | string
  updatedByApps?: { slug?: string | undefined; date?: Date | string; version?: string | undefined }[]
  sourceAccount?: string | undefined
  sourceAccountIdentifier?: string | undefined
  [property: string]: unknown
}

declare const __WEBPACK_PROVIDED_MANIFEST__: ManifestData | string | undefined

let loaded: ManifestData | undefined
let chosen: ManifestData | undefined

/**
 * The manifest put in the bundle by `build`; without a bundle, `./manifest.konnector` of the current directory, in every
 * mode. (Upstream read it only when NODE_ENV was set to something else than production, so its dev command had no slug:
 * no metadata, no deduplication. `sdk/exports.md` section 26, `sdk/cli.md` section 4.7.)
 */
function load(): ManifestData {
  if (typeof __WEBPACK_PROVIDED_MANIFEST__ !== 'undefined') {
    const injected = __WEBPACK_PROVIDED_MANIFEST__
    return typeof injected === 'string' ? JSON.parse(injected) : (injected ?? {})
  }
  try {
    const data: unknown = JSON.parse(readFileSync(join(process.cwd(), 'manifest.konnector'), 'utf8'))
    return typeof data === 'object' && data !== null ? (data as ManifestData) : {}
  } catch {
    // No manifest, or one that `konnectory test` and `build` will complain about: the libraries work without.
    return {}
  }
}

/** @returns the manifest in use: the one given to `setManifest`, else `manifest.data` */
export function currentManifest(): ManifestData {
  return chosen ?? manifest.data
}

/** Changes what `getCozyMetadata` and the save functions use, not `manifest.data`; `undefined` goes back to it. */
export function setManifest(data: ManifestData | undefined): void {
  chosen = data
}

/**
 * Metadata of a document made or changed now by this konnector (`sdk/exports.md` section 26). Konnectors see `Date`s and
 * have their own list changed, which the sdk's function of that name does not do.
 * @param data wins over the defaults; when its `updatedByApps` has this konnector's slug, that item is replaced in place by
 *   a fresh one, otherwise the list is left as it is
 */
export function getCozyMetadata(data: CozyMetadataDraft = {}): CozyMetadataDraft {
  const { slug, version } = currentManifest()
  const now = new Date(Date.now())
  const update = { slug, date: now, version }
  const known = data.updatedByApps?.findIndex(app => app.slug === slug) ?? -1
  if (data.updatedByApps && known !== -1) data.updatedByApps[known] = update
  return {
    doctypeVersion: 1,
    metadataVersion: 1,
    createdAt: now,
    createdByApp: slug,
    createdByAppVersion: version,
    updatedAt: now,
    updatedByApps: [update],
    ...data,
  }
}

/** The `manifest` export. `data` is read at first use. */
export const manifest = {
  get data(): ManifestData {
    loaded ??= load()
    return loaded
  },
  getCozyMetadata,
  setManifest,
}
