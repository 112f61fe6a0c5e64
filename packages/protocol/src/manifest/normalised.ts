import type { RawManifest } from './raw.ts'
import type { Frequency } from './vocabulary.ts'

/**
 * The manifest as we use it: every property is there, checked, in its newest form, under the ecosystem's name.
 * `null` means "the author did not say". Unknown properties stay in `raw`, untouched.
 */
export interface NormalisedManifest {
  slug: string
  name: string
  name_prefix: string | null
  version: string
  type: 'konnector' | 'webapp'
  editor: string
  developer: { name: string; url: string | null } | null
  language: string
  /** Path in the build, without a leading slash. */
  icon: string | null
  screenshots: string[]
  source: string | null
  license: string | null
  tags: string[]
  platforms: { type: string; url: string | null }[]
  langs: string[]
  locales: Record<string, Locale>
  categories: string[]
  data_types: string[]
  qualification_labels: string[]
  features: string[]
  partnership: { description: string; name: string | null; domain: string | null; icon: string | null } | null
  terms: { id: string; url: string; version: string } | null
  /** Each with its scheme; the first one is the vendor's main site. */
  vendor_link: string[]
  messages: string[]
  /** In the order of display; exactly one has `role: 'identifier'` unless all are passwords or there is none. */
  fields: Field[]
  /** `scope: null` sends no scope parameter. */
  oauth: { scope: string[] | null; account_type: string } | null
  needs_folder: boolean
  /** Not empty when `needs_folder`; only the first one is used. */
  folders: { defaultDir: string }[]
  aggregator: { accountId: string } | null
  parameters: Record<string, unknown>
  banksTransactionRegExp: string | null
  biUuids: string[]
  cookie_domains: string[]
  frequency: Frequency
  /** Hours in GMT, decimals allowed; an end before the start means a window across midnight. */
  time_interval: [start: number, end: number]
  clientSide: boolean
  /** Path in the build of the script run when an account is deleted. */
  on_delete_account: string | null
  permissions: ManifestPermission[]
  notifications: Record<string, unknown>
  /** Ours: the hosts this konnector talks to, `*.` allowed in front; null = not declared. */
  domains: string[] | null
  raw: RawManifest
}

export const FIELD_TYPES = [
  'text',
  'email',
  'password',
  'date',
  'dropdown',
  'checkbox',
  'hidden',
  'tel',
  'number',
  'folder',
  'account',
] as const
export type FieldType = (typeof FIELD_TYPES)[number]

/** One entry of the account form (`protocol/manifest.md` section 3.1). */
export interface Field {
  name: string
  type: FieldType
  role: 'identifier' | null
  required: boolean
  encrypted: boolean
  /** Initial value; for a dropdown, the `value` of an option. */
  default: string | boolean | null
  options: { name: string; value: string }[]
  label: string | null
  placeholder: string | null
  description: string | null
  /** Lengths, in characters. */
  min: number | null
  max: number | null
  /** Source of a regular expression that compiles. */
  pattern: string | null
  advanced: boolean
}

export interface ManifestPermission {
  key: string
  type: string
  /** Subset of GET POST PUT PATCH DELETE, or `['ALL']`. */
  verbs: string[]
  values: string[]
  selector: string | null
  description: string | null
}

/** Texts of one language (`protocol/manifest.md` section 2.6); anything else an author put there is kept. */
export interface Locale {
  name?: string
  name_prefix?: string
  short_description?: string
  long_description?: string
  changes?: string
  fields?: Record<string, { label?: string; placeholder?: string }>
  permissions?: Record<string, { description?: string }>
  messages?: Record<string, string>
  [other: string]: unknown
}
