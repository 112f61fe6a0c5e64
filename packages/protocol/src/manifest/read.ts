import { createReport, type Diagnostic } from './diagnostic.ts'
import { keysInOrder } from './json-keys.ts'
import { normaliseManifest } from './normalise.ts'
import type { NormalisedManifest } from './normalised.ts'
import { isObject, type RawManifest } from './raw.ts'

/** The stack reads no more of a manifest than this (`protocol/manifest.md` section 1). */
export const MANIFEST_MAX_BYTES = 2 * 1024 * 1024

/** A manifest read from its text. `raw` and `manifest` are null when the text is not a JSON object. */
export interface ReadManifest {
  raw: RawManifest | null
  manifest: NormalisedManifest | null
  diagnostics: Diagnostic[]
}

/**
 * The text of `manifest.konnector`, parsed and normalised, with what only the text shows: syntax, size, merge-conflict
 * markers, keys written twice. Never throws.
 */
export function readManifest(text: string): ReadManifest {
  const { diagnostics, report } = createReport()
  const source = text.replace(/^\uFEFF/, '')
  const bytes = new TextEncoder().encode(source).length
  if (bytes > MANIFEST_MAX_BYTES) {
    report('too-large', [], `the manifest is ${bytes} bytes long`, `Servers read ${MANIFEST_MAX_BYTES} at most.`)
  }
  const marker = /^(<{7}|={7}|>{7})( .*)?$/m.exec(source)
  if (marker) {
    const line = source.slice(0, marker.index).split('\n').length
    report('conflict-markers', [], `line ${line} looks like a merge conflict`, 'Finish the merge.')
  }
  let raw: unknown
  try {
    raw = JSON.parse(source)
  } catch (error) {
    report(
      'not-json',
      [],
      `not JSON: ${(error as Error).message}`,
      'Comments and trailing commas are not allowed here.',
    )
    return { raw: null, manifest: null, diagnostics }
  }
  const objects = keysInOrder(source)
  for (const { path, keys } of objects) {
    for (const key of new Set(keys.filter((one, index) => keys.indexOf(one) !== index))) {
      report(
        'duplicate-key',
        [...path, key],
        `"${key}" is written twice: only the last one counts`,
        'Remove one of them.',
      )
    }
  }
  const fields = objects.find(({ path }) => path.length === 1 && path[0] === 'fields')?.keys
  const normalised = normaliseManifest(raw, fields ? { fields } : {})
  diagnostics.push(...normalised.diagnostics)
  if (!isObject(raw)) return { raw: null, manifest: null, diagnostics }
  return { raw, manifest: normalised.manifest, diagnostics }
}
