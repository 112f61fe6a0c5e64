import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Verb } from '../../src/ground/http/grant.ts'
import { covers, coversAll } from '../../src/rooms/permissions/covers.ts'
import { grantOf } from '../../src/rooms/permissions/grant.ts'
import { MAXIMAL, type PermissionSet, type Rule } from '../../src/rooms/permissions/rules.ts'
import { parseScope } from '../../src/rooms/permissions/scope.ts'

const rule = (text: string): Rule => parseScope(text)[0]!

describe('coverage', () => {
  for (const [held, asked, expected] of [
    // The two holes of upstream: comparisons that are true of an empty list.
    ['io.cozy.files:GET', 'io.cozy.files', false],
    ['io.cozy.files:ALL:a', 'io.cozy.files', false],
    ['io.cozy.files:GET:a', 'io.cozy.files:GET', false],
    ['io.cozy.files:GET,POST,PUT,PATCH', 'io.cozy.files:ALL', false],
    ['io.cozy.files:GET,POST,PUT,PATCH,DELETE', 'io.cozy.files:ALL', true],
    ['io.cozy.files', 'io.cozy.files', true],
    ['io.cozy.files', 'io.cozy.files:GET:a:name', true],
    ['io.cozy.files:GET', 'io.cozy.files:GET:a', true],
    ['io.cozy.files:GET', 'io.cozy.files:GET,POST:a', false],
    ['io.cozy.files:GET:a,b', 'io.cozy.files:GET:b', true],
    ['io.cozy.files:GET:a,b', 'io.cozy.files:GET:b,c', false],
    ['io.cozy.files:GET:a:name', 'io.cozy.files:GET:a', false],
    ['io.cozy.files:GET:a', 'io.cozy.files:GET:a:name', false],
    ['io.cozy.files:GET:a:name', 'io.cozy.files:GET:a:class', false],
    ['io.cozy.bank.*', 'io.cozy.bank.operations', true],
    ['io.cozy.bank.*', 'io.cozy.bank', true],
    ['io.cozy.bank.*', 'io.cozy.bank.operations.*', true],
    ['io.cozy.bank.operations.*', 'io.cozy.bank.*', false],
    ['io.cozy.bank', 'io.cozy.bank.*', false],
    ['io.cozy.bank.operations', 'io.cozy.bank.*', false],
    // Several rules together.
    ['io.cozy.files:GET io.cozy.files:POST', 'io.cozy.files:GET,POST', true],
    ['io.cozy.files:GET:a io.cozy.files:GET:b', 'io.cozy.files:GET:a,b', true],
    ['io.cozy.files:GET:a io.cozy.files:POST:b', 'io.cozy.files:GET,POST:a,b', false],
    ['io.cozy.bills io.cozy.accounts', 'io.cozy.files', false],
  ] as const) {
    it(`${held} ${expected ? 'covers' : 'does not cover'} ${asked}`, () => {
      assert.equal(covers(parseScope(held), rule(asked)), expected)
    })
  }

  it('the maximal set covers everything, and nothing less covers it', () => {
    assert.ok(covers(MAXIMAL, rule('io.cozy.bank.*')))
    assert.ok(covers(MAXIMAL, MAXIMAL[0]!))
    assert.equal(covers(parseScope('io.cozy.bank.*'), MAXIMAL[0]!), false)
    assert.equal(covers([], rule('io.cozy.files')), false)
  })

  it('no rules at all are covered by nobody', () => {
    assert.equal(coversAll(MAXIMAL, []), false)
    assert.equal(coversAll(parseScope('io.cozy.files'), parseScope('io.cozy.files:GET')), true)
    assert.equal(coversAll(parseScope('io.cozy.files'), parseScope('io.cozy.files:GET io.cozy.bills')), false)
  })

  it('says exactly whether a set allows all that a rule allows', () => {
    const next = random(7)
    const outcomes = { true: 0, false: 0 }
    for (let round = 0; round < 30_000; round++) {
      const held = Array.from({ length: next() % 4 }, () => anyRule(next))
      const asked = anyRule(next)
      const expected = allowsAllOf(held, asked)
      outcomes[`${expected}`]++
      assert.equal(covers(held, asked), expected, JSON.stringify({ held, asked }))
    }
    assert.ok(outcomes.true > 1000 && outcomes.false > 1000, JSON.stringify(outcomes))
  })
})

/*
 * A small world. What rules can name is in it, and of each kind one more thing that no rule names (`x.other`, id `z`, value
 * `z`): a rule on everything allows that too, and no list does.
 */
const TYPES = ['a.b.c', 'a.b.c.d', 'a.b.c.d.e', 'a.b.other']
const RULE_TYPES = ['a.b.c', 'a.b.c.d', 'a.b.c.*', 'a.b.c.d.*', 'a.b.other']
/** Doctypes no rule names exactly, below those it names by a wildcard. */
const WORLD_TYPES = [...TYPES, 'a.b.c.unnamed', 'a.b.c.d.unnamed']
const VERBS: Verb[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const VALUES = ['u', 'v']
const WORLD_VALUES = [...VALUES, 'z']
const FIELDS = ['f', 'g']

function anyRule(next: () => number): Rule {
  const some = <T>(items: readonly T[]) => items.filter(() => next() % 2 === 0)
  const selector = [undefined, undefined, ...FIELDS][next() % 4]
  const verbs = next() % 3 === 0 ? [] : some(VERBS)
  return {
    type: RULE_TYPES[next() % RULE_TYPES.length]!,
    verbs: next() % 8 === 0 ? VERBS : verbs,
    values: some(VALUES),
    ...(selector && { selector }),
  }
}

/** By trying everything there is, one question at a time, on grants. */
function allowsAllOf(held: PermissionSet, asked: Rule): boolean {
  const [all, one] = [grantOf(held), grantOf([asked])]
  return WORLD_TYPES.every(type =>
    VERBS.every(verb => {
      if (one.allowsWholeType(verb, type) && !all.allowsWholeType(verb, type)) return false
      return ['i', ...WORLD_VALUES].every(id =>
        documents().every(
          document => !one.allowsDocument(verb, type, id, document) || all.allowsDocument(verb, type, id, document),
        ),
      )
    }),
  )
}

/** All documents of two fields, each absent or with a value. */
function documents(): Record<string, unknown>[] {
  const values = [undefined, ...WORLD_VALUES]
  return values.flatMap(f => values.map(g => ({ ...(f && { f }), ...(g && { g }) })))
}

function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 8
  }
}
