export { DIAGNOSTICS, type Diagnostic, type DiagnosticCode, pointer, type Severity } from './diagnostic.ts'
export { DEFAULT_DIR, folderPath, normaliseDefaultDir } from './folders.ts'
export { isManifestVersion, isSlug } from './identity.ts'
export { localisedText } from './locales.ts'
export { normaliseManifest } from './normalise.ts'
export {
  FIELD_TYPES,
  type Field,
  type FieldType,
  type Locale,
  type ManifestPermission,
  type NormalisedManifest,
} from './normalised.ts'
export { isPermissionDoctype } from './permissions.ts'
export type { RawManifest } from './raw.ts'
export { MANIFEST_MAX_BYTES, type ReadManifest, readManifest } from './read.ts'
export { CATEGORIES, DATA_TYPES, FREQUENCIES, type Frequency } from './vocabulary.ts'
