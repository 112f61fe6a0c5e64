import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nextHistory, nextRevision } from '../../src/ground/documents/revision.ts'
import {
  type Branch,
  compareBranches,
  mergeBranch,
  missingIn,
  passes,
  revisionOf,
  winnerOf,
} from '../../src/ground/documents/revision-tree.ts'

const branch = (path: string, deleted = false): Branch => {
  const history = path.split(' ')
  return { generation: history.length, deleted, history }
}
const ends = (tree: Branch[]) => tree.toSorted(compareBranches).map(revisionOf)

/** Small numbers that look random and come back with their seed (mulberry32). */
function randomness(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

describe('a revision tree', () => {
  it('lets the longer branch win, then the greater hash, and never a deleted one over a living one', () => {
    assert.equal(revisionOf(winnerOf([branch('b a'), branch('c b2 a')])!), '3-c')
    assert.equal(revisionOf(winnerOf([branch('b1 a'), branch('b2 a')])!), '2-b2')
    assert.equal(revisionOf(winnerOf([branch('d c b a', true), branch('x')])!), '1-x')
    assert.equal(revisionOf(winnerOf([branch('c a', true), branch('d a', true)])!), '2-d')
  })

  it('goes on from a branch that is there, and knows what it passed', () => {
    const tree = mergeBranch([branch('b a')], branch('d c b a'))
    assert.deepEqual(ends(tree), ['4-d'])
    assert.ok(passes(tree[0]!, '2-b'))
    assert.ok(!passes(tree[0]!, '3-b'))
    assert.equal(mergeBranch(tree, branch('b a')), tree)
  })

  it('keeps what stands beside it', () => {
    const tree = mergeBranch([branch('b1 a')], branch('b2 a'))
    assert.deepEqual(ends(tree), ['2-b2', '2-b1'])
    assert.deepEqual(ends(mergeBranch(tree, branch('c b1 a', true))), ['2-b2', '3-c'])
  })

  it('joins a branch that brings only its last revisions to the ancestors known here', () => {
    const [joined] = mergeBranch([branch('c b a')], { generation: 5, deleted: false, history: ['e', 'd', 'c'] })
    assert.deepEqual(joined?.history, ['e', 'd', 'c', 'b', 'a'])
  })

  it('keeps a hundred ancestors', () => {
    const long = Array.from({ length: 150 }, (_, index) => `h${150 - index}`)
    const [kept] = mergeBranch([], { generation: 150, deleted: false, history: long })
    assert.equal(kept?.history.length, 100)
    assert.ok(passes(kept!, '51-h51'))
    assert.ok(!passes(kept!, '50-h50'))
    const [grown] = mergeBranch([kept!], { generation: 151, deleted: false, history: ['h151', 'h150'] })
    assert.equal(grown?.history.length, 100)
    assert.equal(grown?.history.at(-1), 'h52')
  })

  it('says which revisions it lacks and from where they may be reached', () => {
    const tree = [branch('c b a'), branch('b2 a')]
    assert.equal(missingIn(tree, ['2-b', '2-b2', '1-a']), undefined)
    assert.deepEqual(missingIn(tree, ['3-x', '1-a']), { missing: ['3-x'], possible_ancestors: ['2-b2'] })
    assert.deepEqual(missingIn([], ['1-a', 'nonsense']), { missing: ['1-a', 'nonsense'] })
  })

  it('bears more revisions than a call takes arguments', () => {
    const revs = Array.from({ length: 500_000 }, (_, n) => `${n + 1}-a`)
    assert.equal(missingIn([branch('b a')], revs)?.missing.length, 499_999)
  })

  it('bears thousands of conflicts', () => {
    const started = performance.now()
    const revisions = Array.from(
      { length: 5000 },
      (_, n): Branch => ({ generation: 1, deleted: false, history: [`h${n}`] }),
    )
    assert.equal(revisions.reduce<Branch[]>((tree, one) => mergeBranch(tree, one), []).length, 5000)
    // A fifth of a second alone; by names instead of numbers half a minute.
    assert.ok(performance.now() - started < 5000)
  })

  it('comes to the same winner and ends on three replicas, whatever the order, for 400 random stories', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = randomness(seed)
      const replicas: Branch[][] = [[], [], []]
      const made: Branch[] = []
      for (let step = 0; step < 25; step++) {
        const here = random(3)
        const tree = replicas[here]!
        if (random(3) === 0) {
          // One hands another what it has, in any order.
          const there = random(3)
          for (const end of tree.toSorted(() => random(3) - 1)) replicas[there] = mergeBranch(replicas[there]!, end)
          continue
        }
        const from = tree.length > 0 ? tree[random(tree.length)] : undefined
        const deleted = from !== undefined && random(5) === 0
        const rev = nextRevision(from && revisionOf(from), deleted, `${seed} ${step} ${here}`)
        const edit = { generation: Number.parseInt(rev, 10), deleted, history: nextHistory(rev, from?.history ?? []) }
        replicas[here] = mergeBranch(tree, edit)
        made.push(edit)
      }
      const expected = made.filter(end => !made.some(other => other !== end && passes(other, revisionOf(end))))
      for (const replica of replicas) {
        const shuffled = made.map(edit => [random(1e9), edit] as const).toSorted(([a], [b]) => a - b)
        const all = shuffled.reduce((tree, [, edit]) => mergeBranch(tree, edit), replica)
        assert.deepEqual(ends(all), ends(expected), `seed ${seed}`)
        assert.equal(winnerOf(all)?.history[0], winnerOf(expected)?.history[0], `seed ${seed}`)
      }
    }
  })
})
