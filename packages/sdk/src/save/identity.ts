import type { Document } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'
import { accountMetadata } from './cozy-metadata.ts'
import { findDocuments } from './find-with-index.ts'
import { asJson, sameJson } from './qualification.ts'
import { updateOrCreate } from './update-or-create.ts'
import { writeDocuments } from './write-documents.ts'

export const IDENTITIES = 'io.cozy.identities'

/** Who the user is at the vendor (`manifest.md` 8.3). */
export interface Identity extends Document {
  identifier?: string
  contact?: Contact
}

/** Shape of `io.cozy.contacts`; texts instead of the lists are understood. */
export interface Contact {
  name?: { givenName?: string; familyName?: string; [part: string]: unknown }
  birthday?: string
  email?: string | { address?: string; [attribute: string]: unknown }[]
  phone?: string | { number?: string; [attribute: string]: unknown }[]
  address?: string | { formattedAddress?: string; [attribute: string]: unknown }[]
  [attribute: string]: unknown
}

/**
 * Saves the user's identity, one per account identifier and konnector (`sdk/exports.md` section 13).
 * @param given an identity with a `contact`, or a contact alone; mutated: cleaned, and given its identifier
 * @param options.merge false: the stored contact is replaced by this one and other attributes stay; failures are logged
 */
export async function saveIdentity(
  context: SaveContext,
  given: Identity | Contact | undefined,
  accountIdentifier: string | undefined,
  options: { merge?: boolean | undefined } = {},
): Promise<void> {
  if (!accountIdentifier) return context.log('warn', "Can't set identity as no accountIdentifier was provided")
  if (!given) return context.log('warn', "Can't set identity as no identity was provided")
  const identity = asIdentity(context, given)
  identity.identifier = accountIdentifier
  const cleaned = cleanContact(context, identity.contact as Contact)
  identity.contact = cleaned
  const own = { ...context, accountIdentifier }
  if (options.merge === false) await replaceContact(own, identity)
  else await updateOrCreate(own, [identity], IDENTITIES, ['identifier', 'cozyMetadata.createdByApp'])
}

function asIdentity(context: SaveContext, given: Identity | Contact): Identity {
  if (given.contact) return given as Identity
  context.log('warn', 'saveIdentity: a contact was given instead of an identity with a contact attribute')
  return { contact: given as Contact }
}

/** Cleans in place: lists instead of texts, phone numbers of digits, `+` and `.`, addresses on one line, all trimmed. */
export function cleanContact(context: Pick<SaveContext, 'log'>, contact: Contact): Contact {
  const listed: [keyof Contact, string][] = [
    ['phone', 'number'],
    ['address', 'formattedAddress'],
    ['email', 'address'],
  ]
  for (const [attribute, member] of listed) {
    if (typeof contact[attribute] !== 'string') continue
    context.log('warn', `saveIdentity: ${attribute} should be a list of objects with ${member}`)
    contact[attribute] = [{ [member]: contact[attribute] }]
  }
  if (Array.isArray(contact.phone)) {
    for (const phone of contact.phone) {
      if (typeof phone?.number === 'string') phone.number = phone.number.replace(/[^\d.+]/g, '')
    }
  }
  if (Array.isArray(contact.address)) {
    for (const address of contact.address) {
      if (typeof address?.formattedAddress !== 'string') continue
      address.formattedAddress = address.formattedAddress
        .replace(/<[^>]*>/g, '')
        .replace(/\r\n|[\n\r]/g, ' ')
        .trim()
    }
  }
  return trimTexts(contact)
}

/** Trims every text in a structure, in place. */
export function trimTexts<T>(value: T): T {
  if (typeof value === 'string') return value.trim() as T
  if (typeof value !== 'object' || value === null) return value
  for (const [name, member] of Object.entries(value)) {
    const trimmed = trimTexts(member)
    if (trimmed !== member) (value as Record<string, unknown>)[name] = trimmed
  }
  return value
}

async function replaceContact(context: SaveContext, identity: Identity): Promise<void> {
  try {
    const found = await findDocuments(context.client, IDENTITIES, {
      identifier: identity.identifier,
      cozyMetadata: { createdByApp: context.manifest.slug },
    })
    if (found.length > 1)
      context.log('warn', `${found.length} identities for ${context.manifest.slug}; the first one is updated`)
    const known = found[0]
    if (known && sameJson(known.contact, asJson(identity.contact))) return
    const doc = known
      ? { ...known, contact: identity.contact }
      : { ...identity, cozyMetadata: accountMetadata(context, identity.cozyMetadata) }
    await writeDocuments(context.client, IDENTITIES, [doc])
  } catch (error) {
    context.log('error', `Error while saving the identity: ${(error as Error)?.message ?? error}`)
  }
}
