import { randomBytes } from 'node:crypto'
import { CouchError } from '../http/errors.ts'

/** Longest id in bytes: the key of a document must fit an index entry. CouchDB's clients use a few dozen. */
export const LONGEST_ID = 1024

/** A new id: UUID version 7 without dashes, so that documents made one after the other lie side by side in the index. */
export function newId(now: number): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(now, 0, 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex')
}

/** @throws CouchError 400 `bad_id` for an id that cannot be stored */
export function assertId(id: string): void {
  if (id === '') throw new CouchError(400, 'bad_id', 'Document id must not be empty')
  if (id.startsWith('_')) throw new CouchError(400, 'bad_id', 'Only reserved document ids may start with underscore.')
  if (Buffer.byteLength(id) > LONGEST_ID)
    throw new CouchError(400, 'bad_id', `Document id is longer than ${LONGEST_ID} bytes`)
  if (/\0|\p{Surrogate}/u.test(id)) throw new CouchError(400, 'bad_id', 'Document id is not valid text')
}
