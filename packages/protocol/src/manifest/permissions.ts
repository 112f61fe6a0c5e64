import type { Report } from './diagnostic.ts'
import type { ManifestPermission } from './normalised.ts'
import { isObject, stringsOf } from './raw.ts'
import { VERBS } from './vocabulary.ts'

/** The permissions in the order of the file (`protocol/manifest.md` section 2.5). Entries without a type are left out. */
export function normalisePermissions(raw: unknown, report: Report): ManifestPermission[] {
  if (raw === undefined || raw === null) return []
  if (!isObject(raw)) {
    report(
      'wrong-type',
      ['permissions'],
      'permissions must be an object',
      'Write { "files": { "type": "io.cozy.files" } }.',
    )
    return []
  }
  return Object.entries(raw).flatMap(([key, value]) => {
    const path = ['permissions', key]
    if (!isObject(value) || typeof value.type !== 'string') {
      report('permission-doctype-invalid', path, `the permission ${key} names no doctype`, 'Add "type": "io.cozy.…".')
      return []
    }
    if (!isPermissionDoctype(value.type)) {
      report(
        'permission-doctype-invalid',
        [...path, 'type'],
        `${JSON.stringify(value.type)} is not a doctype a manifest may ask for`,
        'Lower-case letters, digits, "." and "_"; ".*" at the end only after three parts. Servers refuse to install it.',
      )
    }
    const verbs = stringsOf(value.verbs).map(verb => verb.toUpperCase())
    const unknown = verbs.filter(verb => !VERBS.includes(verb))
    if (unknown.length > 0) {
      report(
        'permission-verb-invalid',
        [...path, 'verbs'],
        `unknown verb ${unknown.join(', ')}`,
        `Use ${VERBS.join(', ')}. Servers refuse to install it.`,
      )
    }
    const known = verbs.filter(verb => VERBS.includes(verb))
    return [
      {
        key,
        type: value.type,
        // A list that held only unknown verbs must not become "everything".
        verbs: known.includes('ALL') || verbs.length === 0 ? ['ALL'] : known,
        values: stringsOf(value.values),
        selector: typeof value.selector === 'string' ? value.selector : null,
        description: typeof value.description === 'string' ? value.description : null,
      },
    ]
  })
}

/**
 * May a manifest ask for this doctype? Lower-case letters, digits, `.` and `_`, no leading, trailing or doubled dot,
 * a trailing `.*` after at least three parts; `*` alone is for maximal permissions only (section 2.5).
 */
export function isPermissionDoctype(doctype: string): boolean {
  const wildcard = doctype.endsWith('.*')
  const parts = (wildcard ? doctype.slice(0, -2) : doctype).split('.')
  return parts.every(part => /^[a-z0-9_]+$/.test(part)) && (!wildcard || parts.length >= 3)
}
