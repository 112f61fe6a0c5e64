import { createHash, randomUUID } from 'node:crypto'

/** Makes ids: 32 hexadecimal characters, as the stack gives them. */
export interface Identifiers {
  /** @param taken says whether an id is already used */
  next(what: string, taken?: (id: string) => boolean): string
}

/**
 * @param deterministic true when the caller fixed the clock: the same calls then give the same ids, so that a replayed run
 *   can be compared byte for byte. Ids left by an earlier run are skipped, not given twice.
 */
export function createIdentifiers(deterministic: boolean): Identifiers {
  let count = 0
  const make = (what: string) => (deterministic ? digest(`${what}/${++count}`) : randomUUID().replaceAll('-', ''))
  return {
    next(what, taken = () => false) {
      for (;;) {
        const id = make(what)
        if (!taken(id)) return id
      }
    },
  }
}

/** 32 hexadecimal characters that depend on the text alone. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/**
 * The revision after `previous` (undefined for a new document): `<generation>-<hash>`, the hash being of the content, so that two
 * runs that do the same leave the same file.
 */
export function nextRevision(previous: string | undefined, content: object): string {
  const generation = previous === undefined ? 0 : Number.parseInt(previous, 10) || 0
  return `${generation + 1}-${digest(`${previous ?? ''}${hashable(content)}`)}`
}

/** Content as a text to hash, without credentials: a hash on disk of content that holds a password would let it be guessed. */
export function hashable(content: object): string {
  return JSON.stringify({ ...content, auth: undefined, oauth: undefined })
}
