import type { Report } from './diagnostic.ts'
import type { Locale, ManifestPermission, NormalisedManifest } from './normalised.ts'
import { isObject, type RawManifest, stringsOf } from './raw.ts'

/**
 * Texts per language (`protocol/manifest.md` section 2.6), with the older places folded in: a top-level `description`,
 * `locales.<l>.description`, a `name` that is an object (section 5).
 */
export function normaliseLocales(
  raw: RawManifest,
  permissions: readonly ManifestPermission[],
  report: Report,
): { locales: Record<string, Locale>; langs: string[] } {
  const locales: Record<string, Locale> = {}
  for (const [lang, value] of Object.entries(isObject(raw.locales) ? raw.locales : {})) {
    if (isObject(value) && lang !== '__proto__') locales[lang] = { ...value }
    else
      report('wrong-type', ['locales', lang], `locales.${lang} is not an object`, 'Write { "short_description": "…" }.')
  }
  const localeOf = (lang: string): Locale => {
    locales[lang] ??= {}
    return locales[lang]
  }
  for (const [lang, name] of textsPerLanguage(raw.name, false)) localeOf(lang).name ??= name
  for (const [lang, description] of textsPerLanguage(raw.description, true)) localeOf(lang).description ??= description
  if (raw.description !== undefined) {
    report('legacy-property', ['description'], 'description is the older place', 'Use locales.en.short_description.')
  }
  for (const [lang, locale] of Object.entries(locales)) {
    if (typeof locale.description !== 'string') continue
    locale.long_description ??= locale.description
    locale.short_description ??= locale.description
    if (isObject(raw.locales) && isObject(raw.locales[lang]) && 'description' in raw.locales[lang]) {
      report(
        'legacy-property',
        ['locales', lang, 'description'],
        'description is the older name',
        'Write "short_description" and "long_description".',
      )
    }
  }
  if (!locales.en) {
    report(
      'english-missing',
      ['locales'],
      'no English texts',
      'Add locales.en: it is shown when a language is missing.',
    )
  }
  reportUntranslated(locales, permissions, report)
  const langs = stringsOf(raw.langs)
  return { locales, langs: langs.length > 0 ? langs : Object.keys(locales) }
}

function textsPerLanguage(value: unknown, plainIsEnglish: boolean): [lang: string, text: string][] {
  if (typeof value === 'string') return plainIsEnglish && value !== '' ? [['en', value]] : []
  const entries = isObject(value) ? Object.entries(value) : []
  return entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '')
}

/** A reason in English may stand in the permission itself; every other language needs its own. */
function reportUntranslated(
  locales: Record<string, Locale>,
  permissions: readonly ManifestPermission[],
  report: Report,
) {
  for (const [lang, locale] of Object.entries(locales)) {
    for (const { key, description } of permissions) {
      const translated = isObject(locale.permissions) ? locale.permissions[key] : undefined
      if (isObject(translated) && typeof translated.description === 'string') continue
      if (lang === 'en' && description !== null) continue
      report(
        'permission-untranslated',
        ['locales', lang, 'permissions', key],
        `the reason for the permission ${key} is missing in "${lang}"`,
        `Add locales.${lang}.permissions["${key}"].description.`,
      )
    }
  }
}

/**
 * A text of the manifest in a language: that language, then English, then nothing (section 2.6). The caller falls
 * back to the top-level property or the raw name.
 * @param path below the locale, e.g. `['fields', 'login', 'label']`
 */
export function localisedText(
  manifest: Pick<NormalisedManifest, 'locales'>,
  lang: string,
  path: readonly string[],
): string | undefined {
  for (const one of [lang, 'en']) {
    let value: unknown = Object.hasOwn(manifest.locales, one) ? manifest.locales[one] : undefined
    for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
