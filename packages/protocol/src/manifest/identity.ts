import type { Report } from './diagnostic.ts'
import { isObject, type RawManifest } from './raw.ts'

/** The stack's rule for a slug (`protocol/manifest.md` section 4). */
export function isSlug(slug: string): boolean {
  return /^[a-z0-9-]+$/.test(slug)
}

/** The registry's rule for `manifest.version`: three numbers from 0 to 99999, no leading zero, nothing behind. */
export function isManifestVersion(version: string): boolean {
  return /^(0|[1-9]\d{0,4})(\.(0|[1-9]\d{0,4})){2}$/.test(version)
}

interface Identity {
  slug: string
  name: string
  version: string
  type: 'konnector' | 'webapp'
  editor: string
  language: string
}

/** Slug, name, version, type, editor, language: what names a konnector. What is missing becomes an empty string. */
export function normaliseIdentity(raw: RawManifest, report: Report): Identity {
  return {
    slug: slugOf(raw, report),
    name: nameOf(raw, report),
    version: versionOf(raw, report),
    type: typeOf(raw, report),
    editor: editorOf(raw, report),
    language: typeof raw.language === 'string' && raw.language !== 'nodejs' && raw.language ? raw.language : 'node',
  }
}

function slugOf({ slug }: RawManifest, report: Report): string {
  if (typeof slug !== 'string' || slug === '') {
    report('slug-missing', ['slug'], 'the manifest has no slug', 'Add "slug": "my-konnector".')
    return ''
  }
  if (!isSlug(slug)) {
    report('slug-invalid', ['slug'], `${JSON.stringify(slug)} is not a slug`, 'Use a-z, 0-9 and "-" only.')
  }
  return slug
}

function nameOf({ name, slug }: RawManifest, report: Report): string {
  if (typeof name === 'string' && name !== '') return name
  if (isObject(name)) {
    report(
      'legacy-property',
      ['name'],
      'name holds one text per language: servers refuse to read it',
      'Make it a string; translations go to locales.<language>.name.',
    )
    const texts = Object.values(name).filter((text): text is string => typeof text === 'string' && text !== '')
    const english = typeof name.en === 'string' ? name.en : ''
    if (english || texts[0]) return english || (texts[0] ?? '')
  }
  report('name-missing', ['name'], 'the manifest has no name', 'Add "name": "My vendor".')
  return typeof slug === 'string' ? slug : ''
}

function versionOf({ version }: RawManifest, report: Report): string {
  if (typeof version !== 'string' || version === '') {
    report('version-missing', ['version'], 'the manifest has no version', 'Add "version": "1.0.0".')
    return ''
  }
  if (!isManifestVersion(version)) {
    report(
      'version-invalid',
      ['version'],
      `${JSON.stringify(version)} is not a version`,
      'Write three numbers such as "1.2.3"; "-beta.1" and the like belong to the published tag, not here.',
    )
  }
  return version
}

function typeOf({ type }: RawManifest, report: Report): 'konnector' | 'webapp' {
  if (type === 'webapp') {
    report('type-webapp', ['type'], 'this is the manifest of a web application', 'Write "type": "konnector".')
    return 'webapp'
  }
  if (typeof type !== 'string' || type === '') {
    report('type-missing', ['type'], 'the manifest has no type', 'Add "type": "konnector".')
  } else if (type !== 'konnector') {
    report('legacy-property', ['type'], `type ${JSON.stringify(type)} is an older form`, 'Write "type": "konnector".')
  }
  return 'konnector'
}

function editorOf({ editor }: RawManifest, report: Report): string {
  if (typeof editor === 'string' && editor !== '') return editor
  report(
    'editor-missing',
    ['editor'],
    'the manifest has no editor',
    'Add "editor": "your name": registries ask for it.',
  )
  return ''
}
