import type { Random } from '../fuzz/random.ts'
import type { Client } from './client.ts'

/** Somebody who writes one thing after the other and keeps a book of what was acknowledged. */
export interface Writer {
  name: string
  /** One write. Until it is acknowledged it is noted as open. */
  step(client: Client, random: Random): Promise<void>
  /**
   * Compares the server with the book: what was acknowledged is there; what was open is there wholly, or not at all. Then the
   * book says what there is.
   * @returns whether there was something open, and whether it was done
   */
  verify(client: Client): Promise<'none' | 'done' | 'not done'>
}

export const generationOf = (rev: string) => Number.parseInt(rev, 10)
