import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Account } from '@konnectory/protocol'
import { cozyClient } from './cozy-client/index.ts'
import { localFields } from './local-stack.ts'
import { namespace } from './log.ts'
import { messageOf } from './process-handlers.ts'
import { isLocal } from './stack-client.ts'

const log = namespace('BaseKonnector')

/** The trigger's message: `COZY_FIELDS`. */
export interface CozyFields {
  account?: string
  folder_to_save?: string
  [member: string]: unknown
}

/** See `BaseKonnector.readPayload`. */
export function readPayload(): unknown {
  const payload = process.env.COZY_PAYLOAD
  if (payload === undefined || payload === '') return null
  if (payload.startsWith('@')) {
    const file = resolve(scriptDirectory(), payload.slice(1))
    try {
      return JSON.parse(readFileSync(file, 'utf8'))
    } catch (error) {
      throw new Error(`Error while reading file ${file} payload: ${(error as Error).message}`, { cause: error })
    }
  }
  try {
    return JSON.parse(payload)
  } catch (error) {
    throw new Error(`Could not parse JSON in COZY_PAYLOAD: ${payload}`, { cause: error })
  }
}

/**
 * @returns path of the destination folder: of the trigger's, else of the account's; undefined when there is none
 * @throws Error `NOT_EXISTING_DIRECTORY`
 */
export async function findFolderPath(cozyFields: CozyFields, account: Account): Promise<string | undefined> {
  if (!cozyFields.folder_to_save) log.info('No folder_to_save available in the trigger')
  const id = cozyFields.folder_to_save || account.folderId
  if (!id) {
    log.debug('No folder needed')
    return undefined
  }
  try {
    return (await cozyClient.files.statById(id, false)).attributes.path
  } catch (error) {
    log.error(messageOf(error))
    log.error(`error while getting the folder path of ${id}`)
    throw new Error('NOT_EXISTING_DIRECTORY', { cause: error })
  }
}

/** @throws Error `TOS_NOT_ACCEPTED` when the stack refuses because its terms are to be accepted */
export function checkTOS(error: unknown): void {
  const { reason } = (error ?? {}) as { reason?: { title?: unknown }[] }
  if (reason?.[0]?.title === 'TOS Updated') throw new Error('TOS_NOT_ACCEPTED')
}

/**
 * The message as servers give it, flat. Older documentation shows it under `data.attributes.arguments`: accepted too.
 * @throws SyntaxError when `COZY_FIELDS` is not JSON
 */
export function readCozyFields(): CozyFields {
  const given = isLocal() ? localFields() : JSON.parse(process.env.COZY_FIELDS || '{}')
  const fields: CozyFields = given ?? {}
  const { data } = fields as { data?: { attributes?: { arguments?: unknown } } }
  const nested = data?.attributes?.arguments
  const isFlat = fields.account !== undefined || fields.folder_to_save !== undefined
  return !isFlat && typeof nested === 'object' && nested !== null ? (nested as CozyFields) : fields
}

/** Where the server puts a large payload: beside the bundle. Run from its sources, beside the main file. */
function scriptDirectory(): string {
  if (typeof __dirname !== 'undefined') return __dirname
  return process.argv[1] ? dirname(process.argv[1]) : process.cwd()
}
