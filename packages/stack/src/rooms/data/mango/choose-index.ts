import { type DesignDocument, fieldPaths, type IndexDefinition } from './definition.ts'
import { mangoError } from './errors.ts'
import { joinField } from './field-path.ts'
import type { FindRequest } from './find-request.ts'
import { type Requirements, requirements } from './requirements.ts'

/** The index a query uses; without `index` it goes through the documents by id. */
export interface Choice {
  index: IndexDefinition | undefined
  warning: string | undefined
}

interface Candidate {
  ddoc: string
  index: IndexDefinition
  fields: string[]
}

/**
 * Chooses an index as CouchDB does: it holds only documents that have all its fields, so it serves a selector that asks for
 * all of them (a sort asks, too); a partial one only when it is named. Among several the one of which the selector bounds most,
 * then the one with fewer fields, then by name.
 *
 * @param preferred field names of the index that a bookmark was made with: of two that serve, the same again
 * @throws CouchError 400 `no_usable_index` when nothing has the order asked for, `no_index` when nothing serves
 */
export function chooseIndex(
  documents: readonly DesignDocument[],
  request: Pick<FindRequest, 'selector' | 'sort' | 'useIndex'>,
  preferred?: readonly string[],
): Choice {
  const { selector, sort, useIndex } = request
  const needs = requirements(selector)
  const sorted = sort.map(({ name }) => name)
  const candidates = documents.flatMap(({ id, indexes }): Candidate[] =>
    indexes.map(index => ({
      ddoc: id.slice('_design/'.length),
      index,
      fields: fieldPaths(index).map(joinField),
    })),
  )
  const isNamed = ({ ddoc, index }: Candidate) =>
    useIndex?.ddoc === ddoc && (useIndex.name === undefined || useIndex.name === index.name)
  const serves = (candidate: Candidate) =>
    (isNamed(candidate) || Object.keys(candidate.index.partialFilter).length === 0) &&
    candidate.fields.every(field => isAlwaysThere(field) || needs.present.has(field) || sorted.includes(field)) &&
    hasOrder(candidate.fields, sorted, needs)

  const usable = candidates.filter(serves)
  const named = usable.filter(isNamed)
  const chosen = best(named.length > 0 ? named : usable, needs, preferred)
  const ignored = useIndex && named.length === 0 ? notUsed(useIndex) : undefined
  if (chosen) return { index: chosen.index, warning: ignored }

  // The primary key orders by `_id` and nothing else.
  if (!hasOrder(['_id'], sorted, needs) || (sorted.length > 0 && !needs.present.has('_id'))) {
    throw mangoError('no_usable_index', 'No index exists for this sort, try indexing by the sort fields.')
  }
  if (onlyById(needs)) return { index: undefined, warning: ignored }
  if (!ignored) throw mangoError('no_index', 'no matching index found, create an index')
  // CouchDB then goes through all documents and says both; upstream refuses only what begins with the second.
  return {
    index: undefined,
    warning: `${ignored}\nNo matching index found, create an index to optimize query time.`,
  }
}

const isAlwaysThere = (field: string) => field === '_id' || field === '_rev'

/** Whether an index's order is the one asked for, once fields with a single value are left out before it. */
function hasOrder(fields: string[], sorted: string[], { constant }: Requirements): boolean {
  if (sorted.length === 0) return true
  const start = fields.findIndex((field, at) => field === sorted[0] || !constant.has(field) || at === fields.length - 1)
  return sorted.every((field, at) => fields[start + at] === field)
}

/** Documents asked for by id, and by nothing else or by a list of ids: no need to go through all. */
function onlyById({ present, mentioned, constant, listed }: Requirements): boolean {
  return present.has('_id') && (mentioned.size === 1 || constant.has('_id') || listed.has('_id'))
}

function best(candidates: Candidate[], { ranged }: Requirements, preferred?: readonly string[]): Candidate | undefined {
  const same = candidates.filter(({ fields }) => preferred && fields.join('\n') === preferred.join('\n'))
  if (same.length > 0) return same[0]
  const unbounded = ({ fields }: Candidate) => {
    const end = fields.findIndex(field => !ranged.has(field))
    return end < 0 ? 0 : fields.length - end
  }
  const text = ({ ddoc, index }: Candidate) => `${ddoc}\n${index.name}`
  return candidates.toSorted(
    (a, b) => unbounded(a) - unbounded(b) || a.fields.length - b.fields.length || (text(a) < text(b) ? -1 : 1),
  )[0]
}

function notUsed({ ddoc, name }: { ddoc: string; name?: string }): string {
  return name === undefined
    ? `_design/${ddoc} was not used because it does not contain a valid index for this query.`
    : `_design/${ddoc}, ${name} was not used because it is not a valid index for this query.`
}
