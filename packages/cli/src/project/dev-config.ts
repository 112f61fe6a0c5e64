import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Field } from '@konnectory/protocol'
import { JsonFileError, parseJsonWithComments } from '@konnectory/standalone'
import { applyEdits, modify } from 'jsonc-parser'
import { UsageError } from '../terminal/output.ts'

export const DEV_CONFIG = 'konnector-dev-config.json'

/** `konnector-dev-config.json` (`sdk/cli.md` section 2), with our own keys after the blank line. */
export interface DevConfig {
  COZY_URL?: string
  /** The account: what a person would type in the konnector's form. */
  fields?: Record<string, unknown>
  COZY_PARAMETERS?: Record<string, unknown>
  COZY_FIELDS?: Record<string, unknown>

  /** Start the demo vendor and pin `demo-vendor.test` to it. */
  demoVendor?: boolean | Record<string, unknown>
  /** Host names and the addresses they really live at. */
  hosts?: Record<string, unknown>
  /** More strings that a recording must not hold: a name, a customer number. */
  scrub?: string[]
}

const OBJECT_KEYS = ['fields', 'COZY_PARAMETERS', 'COZY_FIELDS', 'hosts'] as const

/**
 * Reads the configuration of `root`. Comments and trailing commas are accepted.
 *
 * @returns undefined when there is none
 * @throws UsageError with line and column; the text itself is not quoted, it holds a password
 */
export async function readDevConfig(root: string): Promise<DevConfig | undefined> {
  let text: string
  try {
    text = await readFile(join(root, DEV_CONFIG), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return parseDevConfig(text)
}

export function parseDevConfig(text: string): DevConfig {
  const config = text.trim() === '' ? {} : readJson(text)
  if (!isObject(config)) throw new UsageError(`${DEV_CONFIG} must hold an object: { "fields": { … } }.`)
  for (const key of OBJECT_KEYS)
    if (config[key] !== undefined && config[key] !== null && !isObject(config[key]))
      throw new UsageError(`${DEV_CONFIG}: "${key}" must be an object.`)
  if (config.COZY_URL !== undefined && config.COZY_URL !== null && typeof config.COZY_URL !== 'string')
    throw new UsageError(`${DEV_CONFIG}: "COZY_URL" must be a string.`)
  if (config.demoVendor !== undefined && typeof config.demoVendor !== 'boolean' && !isObject(config.demoVendor))
    throw new UsageError(`${DEV_CONFIG}: "demoVendor" must be true, false or an object of its options.`)
  if (
    config.scrub !== undefined &&
    !(Array.isArray(config.scrub) && config.scrub.every(text => typeof text === 'string'))
  )
    throw new UsageError(`${DEV_CONFIG}: "scrub" must be a list of strings.`)
  return config as DevConfig
}

function readJson(text: string): unknown {
  try {
    return parseJsonWithComments(text, DEV_CONFIG)
  } catch (error) {
    throw error instanceof JsonFileError ? new UsageError(error.message) : error
  }
}

/**
 * @returns the text of a first configuration: each field of the manifest with what it is, ready to be filled in.
 * A field with a default has it, so that only what is really needed stays empty.
 */
export function newDevConfig(fields: Field[]): string {
  const lines = fields.flatMap((field, i) => [
    `    // ${describeField(field)}`,
    `    ${JSON.stringify(field.name)}: ${JSON.stringify(initialValue(field))}${i < fields.length - 1 ? ',' : ''}`,
  ])
  return [
    '{',
    '  // Used by: konnectory standalone, dev and shell. It holds a password: keep it out of version control.',
    '  // The server that `dev` talks to; standalone needs none.',
    '  "COZY_URL": "http://cozy.localhost:8080",',
    '  // What a person would type in the form of this konnector.',
    ...(lines.length > 0 ? ['  "fields": {', ...lines, '  }'] : ['  "fields": {}']),
    '}',
    '',
  ].join('\n')
}

function initialValue(field: Field): string | boolean {
  if (field.default !== null) return field.default
  return field.type === 'checkbox' ? false : ''
}

function describeField(field: Field): string {
  const parts = [field.label ?? field.description ?? field.name, field.required ? 'required' : 'optional']
  if (field.type !== 'text') parts.push(field.type)
  if (field.options.length > 0)
    parts.push(`one of ${field.options.map(({ value }) => JSON.stringify(value)).join(', ')}`)
  return oneLine(parts.join(', '))
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}

/** @returns fields that the manifest requires and the configuration leaves empty, in the manifest's order */
export function missingFields(config: DevConfig, fields: Field[]): Field[] {
  return fields.filter(field => {
    // A checkbox left alone means no; an account link is made by the server.
    if (!field.required || field.type === 'checkbox' || field.type === 'account') return false
    const value = config.fields?.[field.name]
    return value === undefined || value === null || value === ''
  })
}

/** Creates the configuration. A file that appeared meanwhile is not overwritten. */
export async function createDevConfig(root: string, fields: Field[]): Promise<void> {
  await writeFile(join(root, DEV_CONFIG), newDevConfig(fields), { flag: 'wx', mode: 0o600 })
}

/** Writes field values into the configuration, keeping its comments and layout. */
export async function writeFields(root: string, values: Record<string, string>): Promise<DevConfig> {
  const path = join(root, DEV_CONFIG)
  let text = await readFile(path, 'utf8')
  for (const [name, value] of Object.entries(values)) {
    const edits = modify(text, ['fields', name], value, { formattingOptions: { insertSpaces: true, tabSize: 2 } })
    text = applyEdits(text, edits)
  }
  await writeFile(path, text)
  return parseDevConfig(text)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
