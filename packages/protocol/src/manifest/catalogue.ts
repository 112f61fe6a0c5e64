import type { Report } from './diagnostic.ts'
import type { NormalisedManifest } from './normalised.ts'
import { isObject, type RawManifest, stringsOf } from './raw.ts'
import { CATEGORIES, DATA_TYPES } from './vocabulary.ts'

type Catalogue = Pick<
  NormalisedManifest,
  'categories' | 'data_types' | 'partnership' | 'terms' | 'vendor_link' | 'developer' | 'license' | 'platforms'
>

/** How the konnector is presented (`protocol/manifest.md` section 2.2), old spellings included (section 5). */
export function normaliseCatalogue(raw: RawManifest, report: Report): Catalogue {
  return {
    categories: categoriesOf(raw, report),
    data_types: dataTypesOf(raw, report),
    partnership: partnershipOf(raw, report),
    terms: termsOf(raw, report),
    vendor_link: vendorLinksOf(raw, report),
    developer: developerOf(raw.developer),
    license: licenseOf(raw, report),
    platforms: platformsOf(raw.platforms),
  }
}

function categoriesOf(raw: RawManifest, report: Report): string[] {
  const old = raw.categories === undefined && raw.category !== undefined
  const key = old ? 'category' : 'categories'
  if (old) report('legacy-property', [key], 'category is the older form', 'Write "categories": ["…"].')
  const words = stringsOf(raw[key]).map((word, index) => {
    if (word !== 'other') return word
    report('legacy-property', [key, index], '"other" is the older word', 'Write "others".')
    return 'others'
  })
  const known = words.filter((word, index) => {
    if (CATEGORIES.includes(word)) return true
    report(
      'category-unknown',
      [key, index],
      `unknown category ${JSON.stringify(word)}`,
      `Known: ${CATEGORIES.join(', ')}.`,
    )
    return false
  })
  return known.length > 0 ? [...new Set(known)] : ['others']
}

function dataTypesOf(raw: RawManifest, report: Report): string[] {
  const key = ['data_types', 'dataTypes', 'dataType'].find(name => raw[name] !== undefined)
  if (!key) return []
  if (key !== 'data_types') report('legacy-property', [key], `${key} is the older spelling`, 'Write "data_types".')
  const words = stringsOf(raw[key])
  for (const [index, word] of words.entries()) {
    if (DATA_TYPES.includes(word)) continue
    report(
      'data-type-unknown',
      [key, index],
      `unknown data type ${JSON.stringify(word)}`,
      `Known: ${DATA_TYPES.join(', ')}.`,
    )
  }
  return [...new Set(words)]
}

function partnershipOf(raw: RawManifest, report: Report): NormalisedManifest['partnership'] {
  const value = raw.partnership
  if (isObject(value)) {
    const description = text(value.description)
    if (description) {
      return { description, name: text(value.name), domain: text(value.domain), icon: text(value.icon) }
    }
    report(
      'partnership-dropped',
      ['partnership'],
      'a partnership without description is not shown',
      'Add "description".',
    )
    return null
  }
  const partner = text(raw.partner)
  if (!partner) return null
  report('legacy-property', ['partner'], 'partner is the older form', 'Write "partnership": { "description": "…" }.')
  return { description: partner, name: partner, domain: null, icon: null }
}

function termsOf({ terms }: RawManifest, report: Report): NormalisedManifest['terms'] {
  if (!isObject(terms)) return null
  const id = text(terms.id)
  const url = text(terms.url)
  const version = text(terms.version)
  if (!id || !url || !version) {
    report('terms-dropped', ['terms'], 'terms without id, url and version are not shown', 'Give the three of them.')
    return null
  }
  for (const [key, value] of Object.entries({ id, version })) {
    if (!/[*+~.()'"!:@]/.test(value)) continue
    report(
      'terms-dropped',
      ['terms', key],
      `terms.${key} ${JSON.stringify(value)} holds one of * + ~ . ( ) ' " ! : @`,
      'It becomes part of a document id: use letters, digits and "-".',
    )
  }
  return { id, url, version }
}

function vendorLinksOf(raw: RawManifest, report: Report): string[] {
  const old = raw.vendor_link === undefined && raw.vendorLink !== undefined
  const key = old ? 'vendorLink' : 'vendor_link'
  if (old) report('legacy-property', [key], 'vendorLink is the older spelling', 'Write "vendor_link".')
  return stringsOf(raw[key]).map(link => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return link
    report('vendor-link-scheme', [key], `${link} has no scheme: https is assumed`, `Write "https://${link}".`)
    return `https://${link.replace(/^\/+/, '')}`
  })
}

function developerOf(value: unknown): NormalisedManifest['developer'] {
  if (typeof value === 'string' && value !== '') return { name: value, url: null }
  if (!isObject(value)) return null
  const name = text(value.name)
  return name ? { name, url: text(value.url) } : null
}

function licenseOf(raw: RawManifest, report: Report): string | null {
  if (raw.license === undefined && raw.licence !== undefined) {
    report('legacy-property', ['licence'], 'licence is the older spelling', 'Write "license".')
    return text(raw.licence)
  }
  return text(raw.license)
}

function platformsOf(value: unknown): NormalisedManifest['platforms'] {
  if (!Array.isArray(value)) return []
  return value.flatMap(item => {
    const type = isObject(item) ? text(item.type) : null
    return isObject(item) && type ? [{ type, url: text(item.url) }] : []
  })
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
