import { joinField } from './field-path.ts'
import type { Leaf, Node } from './selector.ts'

/** What a selector says of fields for every document that matches, by which an index is chosen. */
export interface Requirements {
  /** Fields that a match must have. */
  present: Set<string>
  /** Fields with one value in all matches: they do not disturb an order. */
  constant: Set<string>
  /** Fields of which an index can tell the matches by a range. */
  ranged: Set<string>
  /** Fields with one of a few values. */
  listed: Set<string>
  /** Fields of which a condition stands anywhere, alternatives and negations included. */
  mentioned: Set<string>
}

const RANGES = new Set(['$eq', '$lt', '$lte', '$gt', '$gte'])

export function requirements(node: Node): Requirements {
  const leaves = conjuncts(node).filter(part => part.kind === 'leaf')
  const names = (wanted: (leaf: Leaf) => boolean) => new Set(leaves.filter(wanted).map(({ path }) => joinField(path)))
  return {
    present: present(node),
    constant: names(({ test }) => test.op === '$eq'),
    ranged: names(({ test }) => RANGES.has(test.op)),
    listed: names(({ test }) => test.op === '$in'),
    mentioned: mentioned(node),
  }
}

/** The parts that all hold. */
export function conjuncts(node: Node): Node[] {
  return node.kind === 'all' ? node.nodes.flatMap(conjuncts) : [node]
}

/** Of alternatives, what each of them requires. */
function present(node: Node): Set<string> {
  if (node.kind === 'leaf') {
    const { test, path } = node
    return new Set(test.op === '$exists' && !test.value ? [] : [joinField(path)])
  }
  const sets = node.nodes.map(present)
  if (node.kind === 'all') return new Set(sets.flatMap(set => [...set]))
  return new Set([...(sets[0] ?? [])].filter(field => sets.every(set => set.has(field))))
}

function mentioned(node: Node): Set<string> {
  if (node.kind === 'leaf') return new Set([joinField(node.path)])
  return new Set(node.nodes.flatMap(part => [...mentioned(part)]))
}
