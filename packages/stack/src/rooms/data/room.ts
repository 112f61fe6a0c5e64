import type { Ground } from '#ground/ground'
import type { Behaviours } from './behaviours.ts'
import type { Bells } from './bells.ts'
import type { DesignDocuments } from './listing.ts'
import type { Reading } from './reading.ts'
import type { Writing } from './writing.ts'

/** What the routes of this room work with. */
export interface Room extends Pick<Ground, 'documents' | 'database'> {
  behaviours: Behaviours
  reading: Reading
  writing: Writing
  designs: DesignDocuments
  bells: Bells
}
