import { type Diagnostic, readManifest } from '@konnectory/protocol'
import { badRequest } from '#ground/http/errors'
import { readRules } from '#rooms/permissions'

/** A manifest that may be installed. */
export interface CheckedManifest {
  /** As its author wrote it. */
  raw: Record<string, unknown>
  version: string
  /** Path of its icon in the build. */
  icon: string | null
  clientSide: boolean
  /** Script for deleted accounts, a path in the build. */
  onDelete: string | null
}

/**
 * Reads a manifest with the reader every program of the house has: what `konnectory build` takes is taken here.
 * @throws HttpError 403 for a permission on what is no doctype; JsonApiError 400 with all that is wrong
 */
export function checkManifest(text: string): CheckedManifest {
  const { raw, manifest, diagnostics } = readManifest(text)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (!raw || !manifest) throw badRequest(`The manifest is malformed: ${sentences(errors)}`)
  // The permissions room has the last word on rules, and says it as 403 or 400.
  readRules(raw.permissions)
  // The slug is the URL's, so one that is missing or odd does not matter here.
  const wrong = errors.filter(({ code }) => code !== 'slug-missing' && code !== 'slug-invalid')
  if (wrong.length > 0) throw badRequest(`The manifest cannot be installed: ${sentences(wrong)}`)
  const { version, icon, clientSide, on_delete_account: onDelete } = manifest
  return { raw, version, icon, clientSide, onDelete }
}

const sentences = (errors: Diagnostic[]): string => errors.map(({ message }) => message).join('; ')
