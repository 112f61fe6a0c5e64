import type { Report } from './diagnostic.ts'
import { DEFAULT_DIR, normaliseDefaultDir } from './folders.ts'
import type { NormalisedManifest } from './normalised.ts'
import { isObject, type RawManifest, stringsOf } from './raw.ts'

/**
 * Where documents go. "Needs a folder" is true for the three marks of `protocol/manifest.md` section 3.4: `folders`,
 * `advancedFields.folderPath`, `advanced_fields.folderPath`.
 */
export function normaliseFolders(
  raw: unknown,
  advancedFolder: boolean,
  report: Report,
): Pick<NormalisedManifest, 'needs_folder' | 'folders'> {
  const present = raw !== undefined && raw !== null && raw !== false
  if (present && !Array.isArray(raw)) {
    report('wrong-type', ['folders'], 'folders must be a list', `Write [{ "defaultDir": "${DEFAULT_DIR}" }].`)
  }
  if (!present && !advancedFolder) return { needs_folder: false, folders: [] }
  const folders = (Array.isArray(raw) ? raw : []).map(folder => ({
    defaultDir: normaliseDefaultDir(isObject(folder) ? folder.defaultDir : folder),
  }))
  return { needs_folder: true, folders: folders.length > 0 ? folders : [{ defaultDir: DEFAULT_DIR }] }
}

/** The OAuth button: absent, `false` and `null` mean none; `true` with `oauth_scope` is the older form (section 5). */
export function normaliseOauth(raw: RawManifest, report: Report): NormalisedManifest['oauth'] {
  const { oauth } = raw
  const slug = typeof raw.slug === 'string' ? raw.slug : ''
  if (oauth === true) {
    report('legacy-property', ['oauth'], '"oauth": true is the older form', 'Write "oauth": { "scope": … }.')
    return { scope: scopeOf(raw.oauth_scope), account_type: slug }
  }
  if (isObject(oauth)) {
    const type = oauth.account_type
    return { scope: scopeOf(oauth.scope), account_type: typeof type === 'string' && type !== '' ? type : slug }
  }
  if (oauth !== undefined && oauth !== null && oauth !== false) {
    report('wrong-type', ['oauth'], 'oauth must be an object', 'Write { "scope": "…" } or remove it.')
  }
  return null
}

function scopeOf(scope: unknown): string[] | null {
  const scopes = stringsOf(scope)
  return scopes.length > 0 ? scopes : null
}

/**
 * Ids of extra paragraphs. The older `hasDescription(s)` and `additionnalSuccessMessage` hold ids, or `true` for the
 * id that is the key itself.
 */
export function normaliseMessages(raw: RawManifest, report: Report): string[] {
  const ids = stringsOf(raw.messages)
  for (const key of ['hasDescription', 'hasDescriptions', 'additionnalSuccessMessage']) {
    const value = raw[key]
    if (value === undefined) continue
    report('legacy-property', [key], `${key} is the older form`, 'Use "messages" with the texts in locales.')
    for (const [name, id] of Object.entries(isObject(value) ? value : {})) {
      if (id) ids.push(typeof id === 'string' ? id : name)
    }
  }
  return [...new Set(ids)]
}
