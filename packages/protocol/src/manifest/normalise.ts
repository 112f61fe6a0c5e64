import { normaliseCatalogue } from './catalogue.ts'
import { createReport, type Diagnostic, type Report } from './diagnostic.ts'
import { normaliseFields, patternOf } from './fields.ts'
import { normaliseIdentity } from './identity.ts'
import { normaliseLocales } from './locales.ts'
import type { NormalisedManifest } from './normalised.ts'
import { normalisePermissions } from './permissions.ts'
import { isObject, type RawManifest, stringsOf } from './raw.ts'
import { normaliseFolders, normaliseMessages, normaliseOauth } from './saving.ts'
import { normaliseFrequency, normaliseTimeInterval } from './schedule.ts'

/** Old properties nobody reads (`protocol/manifest.md` section 5), with what to do about it. */
const IGNORED: Record<string, string> = {
  namePath: 'The account name is $account in folders[0].defaultDir.',
  loginDelay: 'Remove it: the form uses a fixed delay.',
  color: 'Remove it.',
  accounts: 'Remove it.',
  testing: 'Remove it.',
  doctypes: 'Remove it: permissions say which doctypes are used.',
  uuid: 'Remove it.',
}

/** Capabilities an author declares, and the permission each needs (section 2.5). */
const FEATURE_PERMISSIONS: Record<string, string> = {
  CARBON_COPY: 'io.cozy.certified.carbon_copy',
  ELECTRONIC_SAFE: 'io.cozy.certified.electronic_safe',
}

/**
 * A raw manifest in the one form every program of the house uses, and everything worth telling its author.
 * Never throws, keeps unknown properties in `manifest.raw`, does not modify its argument.
 * @param raw the parsed file, of any shape
 * @param order.fields names of `fields` in the order of the file, when the text was at hand ({@link readManifest})
 */
export function normaliseManifest(
  raw: unknown,
  order: { fields?: readonly string[] } = {},
): { manifest: NormalisedManifest; diagnostics: Diagnostic[] } {
  const { diagnostics, report } = createReport()
  if (!isObject(raw)) {
    report('not-object', [], 'the manifest is not a JSON object', 'Write { "slug": "…", "name": "…", … }.')
    return { manifest: normalise({}, order, () => {}), diagnostics }
  }
  return { manifest: normalise(raw, order, report), diagnostics }
}

function normalise(raw: RawManifest, order: { fields?: readonly string[] }, report: Report): NormalisedManifest {
  for (const [key, hint] of Object.entries(IGNORED)) {
    if (raw[key] !== undefined) report('ignored-property', [key], `nothing reads ${key} any more`, hint)
  }
  const identity = normaliseIdentity(raw, report)
  const { fields, wantsFolder } = normaliseFields(raw.fields, report, order.fields)
  const folders = normaliseFolders(raw.folders, wantsFolder, report)
  const permissions = normalisePermissions(raw.permissions, report)
  const features = stringsOf(raw.features)
  reportPermissions(permissions, features, folders.needs_folder, report)
  return {
    ...identity,
    name_prefix: text(raw.name_prefix),
    icon: iconOf(raw, report),
    screenshots: stringsOf(raw.screenshots),
    source: text(raw.source),
    tags: stringsOf(raw.tags),
    ...normaliseLocales(raw, permissions, report),
    ...normaliseCatalogue(raw, report),
    qualification_labels: stringsOf(raw.qualification_labels),
    features,
    messages: normaliseMessages(raw, report),
    fields,
    oauth: normaliseOauth(raw, report),
    ...folders,
    aggregator:
      isObject(raw.aggregator) && typeof raw.aggregator.accountId === 'string'
        ? { accountId: raw.aggregator.accountId }
        : null,
    parameters: isObject(raw.parameters) ? raw.parameters : {},
    banksTransactionRegExp: patternOf(raw.banksTransactionRegExp, ['banksTransactionRegExp'], report),
    biUuids: stringsOf(raw.biUuids),
    cookie_domains: stringsOf(raw.cookie_domains),
    frequency: normaliseFrequency(raw.frequency, report),
    time_interval: normaliseTimeInterval(raw, report),
    clientSide: raw.clientSide === true,
    on_delete_account: text(raw.on_delete_account)?.replace(/^(\.?\/)+/, '') ?? null,
    permissions,
    notifications: isObject(raw.notifications) ? raw.notifications : {},
    domains: domainsOf(raw.domains, report),
    raw,
  }
}

function iconOf({ icon }: RawManifest, report: Report): string | null {
  const path = text(icon)?.replace(/^(\.?\/)+/, '')
  if (path) return path
  report('icon-missing', ['icon'], 'the manifest names no icon', 'Add "icon": "icon.svg" and the file assets/icon.svg.')
  return null
}

function reportPermissions(
  permissions: NormalisedManifest['permissions'],
  features: readonly string[],
  needsFolder: boolean,
  report: Report,
): void {
  const files = permissions.find(({ type }) => type === 'io.cozy.files')
  if (files && !needsFolder) {
    report(
      'files-without-folders',
      ['permissions', files.key],
      'it asks for io.cozy.files but names no folder: files need a folder given by hand',
      'Add "folders": [{ "defaultDir": "$administrative/$konnector/$account" }].',
    )
  }
  for (const feature of features) {
    const doctype = FEATURE_PERMISSIONS[feature]
    if (!doctype || permissions.some(({ type }) => type === doctype)) continue
    report(
      'feature-without-permission',
      ['features'],
      `${feature} needs the permission ${doctype}`,
      `Add { "type": "${doctype}" } to permissions.`,
    )
  }
}

function domainsOf(raw: unknown, report: Report): string[] | null {
  if (raw === undefined || raw === null) return null
  const names = stringsOf(raw).map(name => name.toLowerCase())
  return names.filter((name, index) => {
    if (/^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]$/.test(name)) return true
    report(
      'domain-invalid',
      ['domains', index],
      `${name} is not a host name`,
      'Write "vendor.example" or "*.vendor.example".',
    )
    return false
  })
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
