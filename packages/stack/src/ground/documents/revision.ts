import { hash } from 'node:crypto'

/** Ancestors kept of a document; a replica that was away for more edits than this sees a conflict. */
export const HISTORY = 100

/** `3-917fa2381192822767f010b95b45325b`. */
export interface Revision {
  generation: number
  hash: string
}

/** @returns undefined for what is no revision */
export function parseRevision(rev: string): Revision | undefined {
  const match = /^([1-9]\d{0,8})-([^\s"/\\]{1,128})$/.exec(rev)
  return match ? { generation: Number(match[1]), hash: match[2]! } : undefined
}

/**
 * The revision after `previous`: one generation up, its hash made of what it follows and what it holds, so that the same edit
 * made twice from the same state is the same revision.
 */
export function nextRevision(previous: string | undefined, deleted: boolean, text: string): string {
  const generation = previous ? Number.parseInt(previous, 10) + 1 : 1
  return `${generation}-${hash('md5', `${previous ?? ''}\n${deleted}\n${text}`)}`
}

/** The history after an edit: the new hash, then those before, as many as are kept. */
export function nextHistory(rev: string, history: string[]): string[] {
  return [rev.slice(rev.indexOf('-') + 1), ...history].slice(0, HISTORY)
}
