import { HISTORY, parseRevision } from './revision.ts'

/**
 * A branch of a document's revision tree, from its end backwards. A tree is kept as its branches: contents of inner revisions
 * are not, their names are.
 */
export interface Branch {
  generation: number
  deleted: boolean
  /** Hashes, the end's own first, at least one, at most `HISTORY`. */
  history: string[]
}

/** `3-917fa2…`, the revision at the end of a branch. */
export const revisionOf = ({ generation, history }: Branch): string => `${generation}-${history[0]}`

/** Whether a branch ends with or passes through a revision, as far back as it is known. */
export function passes(branch: Branch, rev: string): boolean {
  const revision = parseRevision(rev)
  return revision !== undefined && holds(branch, revision.generation, revision.hash)
}

const holds = ({ generation, history }: Branch, wanted: number, hash: string) => history[generation - wanted] === hash

/**
 * CouchDB's rule, the same on every replica whatever came first: what lives before what is deleted, then the longer, then the
 * greater hash.
 * @returns negative when `a` wins over `b`
 */
export function compareBranches(a: Branch, b: Branch): number {
  if (a.deleted !== b.deleted) return a.deleted ? 1 : -1
  if (a.generation !== b.generation) return b.generation - a.generation
  const [x, y] = [a.history[0]!, b.history[0]!]
  return x === y ? 0 : x > y ? -1 : 1
}

/** The branch that readers see. @returns undefined without any */
export const winnerOf = <B extends Branch>(branches: B[]): B | undefined => branches.toSorted(compareBranches)[0]

/**
 * Brings a branch of another replica into a tree: it goes on from a branch that is there, or stands beside them as a conflict.
 * @returns another tree, of the same branches where they stay; the tree itself when the branch's end is known already
 */
export function mergeBranch<B extends Branch>(tree: B[], incoming: B): B[] {
  // By numbers, not by names: with thousands of conflicts, taking names apart took minutes.
  if (tree.some(branch => reaches(branch, incoming))) return tree
  const joined = tree.reduce((branch, old) => (reaches(branch, old) ? deepen(branch, old) : branch), stem(incoming))
  return [...tree.filter(old => !reaches(joined, old)), joined]
}

/** Whether a branch ends with or passes through the end of another. */
const reaches = (branch: Branch, other: Branch) => holds(branch, other.generation, other.history[0]!)

/** A branch with the older ancestors that another one knows of a revision they share. */
function deepen<B extends Branch>(branch: B, other: B): B {
  const end = other.history[0]!
  const at = branch.generation - other.generation
  if (branch.history[at] !== end || at + other.history.length <= branch.history.length) return branch
  return stem({ ...branch, history: [...branch.history.slice(0, at), ...other.history] })
}

const stem = <B extends Branch>(branch: B): B =>
  branch.history.length <= HISTORY ? branch : { ...branch, history: branch.history.slice(0, HISTORY) }

/** What a tree lacks of some revisions, for `_revs_diff`; undefined when it lacks none. */
export function missingIn(
  tree: Branch[],
  revs: string[],
): { missing: string[]; possible_ancestors?: string[] } | undefined {
  const missing = revs.filter(rev => !tree.some(branch => passes(branch, rev)))
  if (missing.length === 0) return undefined
  // One after the other: a client may ask for more revisions than a call takes arguments.
  const newest = missing.reduce((most, rev) => Math.max(most, parseRevision(rev)?.generation ?? 0), 0)
  const ancestors = tree.filter(({ generation }) => generation < newest).map(revisionOf)
  return { missing, ...(ancestors.length > 0 && { possible_ancestors: ancestors }) }
}
