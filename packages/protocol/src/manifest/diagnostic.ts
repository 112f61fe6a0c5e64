/**
 * What can be said of a manifest. A code is stable and documented in `docs/reference/manifest.md` (a test compares).
 * Severities follow the linter list of `protocol/manifest.md` section 4.
 */
export const DIAGNOSTICS = {
  'not-json': 'error',
  'not-object': 'error',
  'too-large': 'error',
  'slug-missing': 'error',
  'slug-invalid': 'error',
  'version-missing': 'error',
  'version-invalid': 'error',
  'name-missing': 'error',
  'type-missing': 'error',
  'type-webapp': 'error',
  'editor-missing': 'error',
  'permission-doctype-invalid': 'error',
  'permission-verb-invalid': 'error',
  'identifier-twice': 'error',
  'dropdown-without-options': 'error',
  'conflict-markers': 'warning',
  'duplicate-key': 'warning',
  'wrong-type': 'warning',
  'legacy-property': 'warning',
  'ignored-property': 'warning',
  'category-unknown': 'warning',
  'data-type-unknown': 'warning',
  'frequency-unknown': 'warning',
  'time-interval-invalid': 'warning',
  'time-interval-reversed': 'warning',
  'english-missing': 'warning',
  'permission-untranslated': 'warning',
  'terms-dropped': 'warning',
  'partnership-dropped': 'warning',
  'icon-missing': 'warning',
  'icon-file-missing': 'error',
  'vendor-link-scheme': 'warning',
  'files-without-folders': 'warning',
  'advanced-fields': 'warning',
  'field-type-unknown': 'warning',
  'field-name-number': 'warning',
  'regexp-invalid': 'warning',
  'feature-without-permission': 'warning',
  'domain-invalid': 'warning',
  'script-file-missing': 'error',
} as const satisfies Record<string, Severity>

export type Severity = 'error' | 'warning'
export type DiagnosticCode = keyof typeof DIAGNOSTICS

/** One remark on a manifest. `path` is a JSON pointer (keys may hold dots and spaces); `''` is the whole file. */
export interface Diagnostic {
  severity: Severity
  path: string
  code: DiagnosticCode
  message: string
  hint: string
}

/** Collects remarks while a manifest is read. */
export type Report = (code: DiagnosticCode, path: readonly (string | number)[], message: string, hint: string) => void

/** A list, and the function that fills it: severities come from {@link DIAGNOSTICS}. */
export function createReport(): { diagnostics: Diagnostic[]; report: Report } {
  const diagnostics: Diagnostic[] = []
  const report: Report = (code, path, message, hint) => {
    diagnostics.push({ severity: DIAGNOSTICS[code], path: pointer(path), code, message, hint })
  }
  return { diagnostics, report }
}

/** JSON pointer (RFC 6901) of a path: `['fields', 'a/b']` gives `/fields/a~1b`. */
export function pointer(path: readonly (string | number)[]): string {
  return path.map(key => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
