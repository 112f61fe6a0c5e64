import {
  type Contact,
  cleanContact,
  type Identity,
  saveIdentity as sdkSaveIdentity,
  trimTexts,
} from '@konnectory/sdk/save'
import { log } from './log.ts'
import { type AccountOptions, createSaveContext } from './save-context.ts'

export interface SaveIdentityOptions extends AccountOptions {
  /** false: the stored contact is replaced, other attributes of the stored identity stay. */
  merge?: boolean
  [option: string]: unknown
}

/**
 * Saves who the user is at the vendor (`sdk/exports.md` section 13).
 * @param contactOrIdentity an identity with a `contact`, or (with a warning) a contact alone; mutated: cleaned
 * @param accountIdentifier what the user calls the account; without it nothing is saved
 */
export async function saveIdentity(
  contactOrIdentity: Identity | Contact | undefined,
  accountIdentifier: string | undefined,
  options: SaveIdentityOptions = {},
): Promise<void> {
  await sdkSaveIdentity(createSaveContext(options, 'saveIdentity'), contactOrIdentity, accountIdentifier, options)
}

/** Cleans a contact in place; see `saveIdentity`. */
export function formatIdentityContact(contact: Contact): Contact {
  return cleanContact({ log: (level, message) => log(level, message, undefined, 'saveIdentity') }, contact)
}

/** Trims every text of an object, in place. */
export const trimProperties = trimTexts
