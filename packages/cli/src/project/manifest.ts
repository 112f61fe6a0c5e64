import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Diagnostic, type NormalisedManifest, type RawManifest, readManifest } from '@konnectory/protocol'
import { findScript } from './entry.ts'

/** The manifest of a project, with what only its folder shows. */
export interface ProjectManifest {
  /** Absolute path of `manifest.konnector`. */
  path: string
  /** Exactly as on disk, for copying. */
  text: string
  raw: RawManifest
  manifest: NormalisedManifest
  diagnostics: Diagnostic[]
  /** Absolute path of the icon; null when none is named, or the one named is not there. */
  icon: string | null
  /** Source of `on_delete_account`, absolute; null when there is none. */
  onDeleteAccount: string | null
}

/** A manifest that cannot be used at all. `diagnostics` says why, when there was a file to look at. */
export class ManifestError extends Error {
  override name = 'ManifestError'
  readonly diagnostics: Diagnostic[]

  constructor(message: string, diagnostics: Diagnostic[] = []) {
    super(message)
    this.diagnostics = diagnostics
  }
}

/**
 * Reads `<root>/manifest.konnector`, checks it, and checks that the files it names exist.
 * @throws ManifestError when the file is absent or is not a JSON object; everything else is a diagnostic
 */
export function readProjectManifest(root: string): ProjectManifest {
  const path = join(root, 'manifest.konnector')
  if (!existsSync(path)) {
    throw new ManifestError(`There is no manifest.konnector in ${root}. Run this from the folder of a konnector.`)
  }
  const text = readFileSync(path, 'utf8')
  const { raw, manifest, diagnostics } = readManifest(text)
  if (!raw || !manifest) throw new ManifestError('manifest.konnector cannot be read.', diagnostics)

  const icon = manifest.icon ? findIcon(root, manifest.icon) : null
  if (manifest.icon && !icon && !isInline(manifest.icon)) {
    diagnostics.push({
      severity: 'error',
      path: '/icon',
      code: 'icon-file-missing',
      message: `the icon ${manifest.icon} does not exist`,
      hint: `Add assets/${manifest.icon.replace(/^assets\//, '')}.`,
    })
  }
  const script = manifest.on_delete_account
  const onDeleteAccount = script ? (findScript(root, script) ?? null) : null
  if (script && !onDeleteAccount && !existsSync(join(root, 'assets', script))) {
    diagnostics.push({
      severity: 'error',
      path: '/on_delete_account',
      code: 'script-file-missing',
      message: `the script ${script} does not exist`,
      hint: `Add src/${script}.`,
    })
  }
  return { path, text, raw, manifest, diagnostics, icon, onDeleteAccount }
}

/** Where an icon may be: in `assets/`, whose content goes to the root of the build, else as written. */
function findIcon(root: string, icon: string): string | null {
  const candidates = [join(root, 'assets', icon), join(root, icon)]
  const inside = candidates.filter(path => !relative(root, path).startsWith('..'))
  return inside.find(path => statSync(path, { throwIfNoEntry: false })?.isFile()) ?? null
}

/** Some old manifests hold the picture itself, or the address of one. */
function isInline(icon: string): boolean {
  return /^(data:|https?:|<)/.test(icon)
}

/** One line per remark: `error /slug: the manifest has no slug. Add "slug": "…"`. */
export function formatDiagnostic({ severity, path, message, hint }: Diagnostic): string {
  return `${severity} manifest.konnector${path ? ` ${path}` : ''}: ${message}. ${hint}`
}
