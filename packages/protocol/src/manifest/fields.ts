import type { Report } from './diagnostic.ts'
import { FIELD_TYPES, type Field, type FieldType } from './normalised.ts'
import { isObject } from './raw.ts'

/** Names whose value is a secret whatever the type says (`protocol/manifest.md` section 3.1). */
const SECRET_NAMES = ['secret', 'dob', 'code', 'answer', 'access_token', 'refresh_token', 'appSecret']

/** Names that make an identifier when no field has the role, in this order (section 3.3). */
const IDENTIFIER_NAMES = ['login', 'identifier', 'new_identifier', 'email']

const TYPE_ALIASES: Record<string, FieldType> = { phone: 'tel' }
const ACCOUNT_MARKS = ['doctype', 'account_type', 'accountFormat', 'scope']

/**
 * The account form, ready to show: section 3.3 of `protocol/manifest.md`, in its order.
 * @param order names in the order of the file, when the caller read the text: engines put `"1"` before `"login"`.
 * @returns the fields, and whether an old `advancedFields.folderPath` asks for a folder.
 */
export function normaliseFields(
  raw: unknown,
  report: Report,
  order?: readonly string[],
): { fields: Field[]; wantsFolder: boolean } {
  if (raw === undefined || raw === null) return { fields: [], wantsFolder: false }
  if (!isObject(raw)) {
    report('wrong-type', ['fields'], 'fields must be an object', 'Write { "login": { "type": "text" } }.')
    return { fields: [], wantsFolder: false }
  }
  let wantsFolder = false
  const entries: [string, Record<string, unknown>][] = []
  for (const name of inFileOrder(Object.keys(raw), order)) {
    const value = raw[name]
    if (name === 'advancedFields' || name === 'advanced_fields') {
      if (isObject(value) && 'folderPath' in value) wantsFolder = true
      report('advanced-fields', ['fields', name], `fields.${name} is not a field any more`, 'Use "folders" instead.')
    } else if (isObject(value)) {
      entries.push([name, value])
    } else {
      report('wrong-type', ['fields', name], `the field ${name} is not an object`, 'Write { "type": "text" }.')
    }
    if (/^(0|[1-9]\d*)$/.test(name)) {
      report(
        'field-name-number',
        ['fields', name],
        `the field "${name}" has a number for name`,
        'Other programs show it before all others: give it a word for name.',
      )
    }
  }
  const identifier = identifierOf(entries, report)
  return {
    fields: entries.map(([name, value]) => normaliseField(name, value, name === identifier, report)),
    wantsFolder,
  }
}

function inFileOrder(names: string[], order: readonly string[] | undefined): string[] {
  if (!order) return names
  return [...new Set(order.filter(name => names.includes(name))), ...names.filter(name => !order.includes(name))]
}

function identifierOf(entries: [string, Record<string, unknown>][], report: Report): string | undefined {
  const marked = entries.filter(([, value]) => value.role === 'identifier' || value.identifier === true)
  for (const [name] of marked.slice(1)) {
    report(
      'identifier-twice',
      ['fields', name],
      `${name} is a second identifier; ${marked[0]?.[0]} is kept`,
      'Leave "role": "identifier" on one field only.',
    )
  }
  if (marked[0]) return marked[0][0]
  const names = entries.map(([name]) => name)
  const usual = IDENTIFIER_NAMES.find(name => names.includes(name))
  if (usual) {
    if (usual !== 'login') {
      report(
        'legacy-property',
        ['fields', usual],
        `${usual} is taken as the identifier because of its name`,
        'Add "role": "identifier" to it.',
      )
    }
    return usual
  }
  return entries.find(([, value]) => value.type !== 'password')?.[0]
}

function normaliseField(name: string, raw: Record<string, unknown>, identifier: boolean, report: Report): Field {
  const path = ['fields', name]
  const type = typeOf(name, raw, report)
  if (raw.required === undefined && raw.isRequired !== undefined) {
    report('legacy-property', [...path, 'isRequired'], `${name}.isRequired is the older spelling`, 'Write "required".')
  }
  const asked = raw.required === undefined ? raw.isRequired : raw.required
  const secret = type === 'password' || SECRET_NAMES.includes(name)
  const options = type === 'dropdown' ? optionsOf(raw.options) : []
  if (type === 'dropdown' && options.length === 0) {
    report(
      'dropdown-without-options',
      [...path, 'options'],
      `the dropdown ${name} has no option to choose from`,
      'Write "options": [{ "name": "Shown", "value": "stored" }].',
    )
  }
  return {
    name,
    type,
    role: identifier ? 'identifier' : null,
    required: typeof asked === 'boolean' ? asked : true,
    encrypted: typeof raw.encrypted === 'boolean' ? raw.encrypted : secret,
    default: defaultOf(raw.default),
    options,
    label: text(raw.label),
    placeholder: text(raw.placeholder),
    description: text(raw.description),
    min: length(raw.min),
    max: length(raw.max),
    pattern: patternOf(raw.pattern, path, report),
    advanced: raw.advanced === true,
  }
}

function typeOf(name: string, raw: Record<string, unknown>, report: Report): FieldType {
  const { type } = raw
  if (type === undefined && name === 'account' && ACCOUNT_MARKS.some(mark => mark in raw)) return 'account'
  if (typeof type === 'string') {
    const known = FIELD_TYPES.find(one => one === type) ?? TYPE_ALIASES[type]
    if (known) return known
  }
  report(
    'field-type-unknown',
    ['fields', name, 'type'],
    type === undefined ? `the field ${name} has no type` : `${name}: unknown type ${JSON.stringify(type)}`,
    `It is shown as text. Known types: ${FIELD_TYPES.join(', ')}.`,
  )
  return 'text'
}

function optionsOf(raw: unknown): { name: string; value: string }[] {
  if (!Array.isArray(raw)) return []
  return raw.flatMap(option => {
    const { name, label, value } = isObject(option) ? option : { name: option, label: undefined, value: option }
    const shown = scalar(name) ?? scalar(label) ?? scalar(value)
    return shown === null ? [] : [{ name: shown, value: scalar(value) ?? shown }]
  })
}

function defaultOf(raw: unknown): string | boolean | null {
  if (typeof raw === 'boolean') return raw
  return isObject(raw) ? (scalar(raw.value) ?? scalar(raw.name)) : scalar(raw)
}

/** The source of a field's pattern or of a manifest's regular expression, or null (reported) when it does not compile. */
export function patternOf(raw: unknown, path: readonly string[], report: Report): string | null {
  if (typeof raw !== 'string' || raw === '') return null
  try {
    new RegExp(raw)
    return raw
  } catch (error) {
    report(
      'regexp-invalid',
      path,
      `not a regular expression: ${(error as Error).message}`,
      'It is ignored: correct it.',
    )
    return null
  }
}

function scalar(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function length(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}
