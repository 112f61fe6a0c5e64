import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HttpError } from '../../src/ground/http/errors.ts'
import { isRuleType, typeMatches } from '../../src/rooms/permissions/doctype-name.ts'
import { presentRules, readRules } from '../../src/rooms/permissions/read-rules.ts'
import type { Rule } from '../../src/rooms/permissions/rules.ts'
import { parseScope, serialiseScope } from '../../src/rooms/permissions/scope.ts'

const MALFORMED = { name: 'HttpError', status: 400, message: 'Permission scope is empty or malformed' }

describe('rules as JSON', () => {
  it('keeps titles and their order', () => {
    const json = { 'bank operations': { type: 'io.cozy.bank.operations' }, accounts: { type: 'io.cozy.accounts' } }
    const set = readRules(json)
    assert.deepEqual(
      set.map(({ title }) => title),
      ['bank operations', 'accounts'],
    )
    assert.equal(JSON.stringify(presentRules(set)), JSON.stringify(json))
  })

  it('reads absent, empty and ALL as all verbs, and writes them as nothing', () => {
    for (const verbs of [undefined, null, [], ['ALL'], ['GET', 'ALL']]) {
      const [rule] = readRules({ a: { type: 'io.cozy.files', verbs } })
      assert.deepEqual(rule?.verbs, [])
      assert.deepEqual(presentRules([rule!]), { a: { type: 'io.cozy.files' } })
    }
  })

  it('keeps the five verbs when they are written out', () => {
    const verbs = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
    assert.deepEqual(presentRules(readRules({ a: { type: 'io.cozy.files', verbs } })), {
      a: { type: 'io.cozy.files', verbs },
    })
  })

  it('keeps every member of a rule', () => {
    const json = {
      a: { type: 'io.cozy.bills', verbs: ['GET'], selector: 'vendor', values: ['acme', 'acme2'], description: 'why' },
    }
    assert.deepEqual(presentRules(readRules(json)), json)
  })

  it('calls rules without title by their place, never by a name that is taken', () => {
    const rule = { type: 'io.cozy.files', verbs: [], values: [] }
    assert.deepEqual(Object.keys(presentRules([rule, rule])), ['rule0', 'rule1'])
    const titles = Object.keys(presentRules([rule, { ...rule, title: 'rule0' }]))
    assert.equal(new Set(titles).size, 2)
    assert.ok(titles.includes('rule0'))
  })

  it('takes a title that JavaScript has plans for', () => {
    const set = readRules(JSON.parse('{"__proto__":{"type":"io.cozy.files"},"constructor":{"type":"io.cozy.bills"}}'))
    assert.equal(set.length, 2)
    assert.equal(
      JSON.stringify(presentRules(set)),
      '{"__proto__":{"type":"io.cozy.files"},"constructor":{"type":"io.cozy.bills"}}',
    )
  })

  for (const [what, json] of [
    ['a list', []],
    ['a text', 'io.cozy.files'],
    ['a rule that is a text', { a: 'io.cozy.files' }],
    ['a rule that is a list', { a: [] }],
    ['no type', { a: {} }],
    ['an empty type', { a: { type: '' } }],
    ['a type that is no text', { a: { type: 1 } }],
    ['an unknown verb', { a: { type: 'io.cozy.files', verbs: ['GET', 'READ'] } }],
    ['HEAD, which is no verb of rules', { a: { type: 'io.cozy.files', verbs: ['HEAD'] } }],
    ['verbs in a text', { a: { type: 'io.cozy.files', verbs: 'GET' } }],
    ['a verb that is no text', { a: { type: 'io.cozy.files', verbs: [1] } }],
    ['values in a text', { a: { type: 'io.cozy.files', values: 'x' } }],
    ['a value that is no text', { a: { type: 'io.cozy.files', values: [{}] } }],
    ['a selector that is no text', { a: { type: 'io.cozy.files', selector: 1, values: ['1'] } }],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => readRules(json), MALFORMED))
  }

  for (const type of [
    '*',
    '*.*',
    'io.*',
    'io.cozy.*',
    '.io.cozy',
    'io..cozy',
    'io.cozy.',
    'IO.cozy.files',
    'io.cozy.bank.*.x',
    'a b',
    'é',
    'io.cozy.bank*',
    '../x',
  ]) {
    it(`refuses the doctype ${type}`, () => {
      const expected = { status: 403, message: `\`${type}\` is not a valid doctype name` }
      assert.throws(() => readRules({ a: { type } }), expected)
      // To a scope a space is the end of a rule.
      if (!type.includes(' ')) assert.throws(() => parseScope(type), MALFORMED)
    })
  }

  it('takes wildcards after three parts', () => {
    assert.ok(isRuleType('io.cozy.bank.*'))
    assert.ok(isRuleType('io.cozy.bank.operations.*'))
    assert.ok(isRuleType('com.x_y.z9.*'))
  })
})

describe('wildcards', () => {
  for (const [type, doctype, expected] of [
    ['io.cozy.bank.*', 'io.cozy.bank', true],
    ['io.cozy.bank.*', 'io.cozy.bank.operations', true],
    ['io.cozy.bank.*', 'io.cozy.bank.operations.details', true],
    ['io.cozy.bank.*', 'io.cozy.banks', false],
    ['io.cozy.bank.*', 'io.cozy', false],
    ['io.cozy.bank', 'io.cozy.bank.operations', false],
    ['io.cozy.bank', 'io.cozy.bank', true],
    ['*', 'io.cozy.bank', true],
  ] as const) {
    it(`${type} ${expected ? 'is' : 'is not'} about ${doctype}`, () =>
      assert.equal(typeMatches(type, doctype), expected))
  }
})

describe('scopes', () => {
  const cases: [string, Rule[]][] = [
    ['io.cozy.contacts', [{ type: 'io.cozy.contacts', verbs: [], values: [] }]],
    [
      'io.cozy.files:GET:io.cozy.files.root-dir',
      [{ type: 'io.cozy.files', verbs: ['GET'], values: ['io.cozy.files.root-dir'] }],
    ],
    [
      'io.cozy.jobs:POST:sendmail:worker',
      [{ type: 'io.cozy.jobs', verbs: ['POST'], values: ['sendmail'], selector: 'worker' }],
    ],
    ['io.cozy.bills:GET,POST', [{ type: 'io.cozy.bills', verbs: ['GET', 'POST'], values: [] }]],
    ['io.cozy.bills:ALL', [{ type: 'io.cozy.bills', verbs: [], values: [] }]],
    ['io.cozy.bills:GET,ALL:a,b', [{ type: 'io.cozy.bills', verbs: [], values: ['a', 'b'] }]],
    [
      'io.cozy.files:CREATED,UPDATED:image:class',
      [{ type: 'io.cozy.files', verbs: ['CREATED', 'UPDATED'], values: ['image'], selector: 'class' }],
    ],
    ['io.cozy.bank.*:GET', [{ type: 'io.cozy.bank.*', verbs: ['GET'], values: [] }]],
    [
      'io.cozy.files  io.cozy.bills',
      [
        { type: 'io.cozy.files', verbs: [], values: [] },
        { type: 'io.cozy.bills', verbs: [], values: [] },
      ],
    ],
  ]
  for (const [text, rules] of cases) {
    it(`reads ${text}, and what it writes of it is read the same`, () => {
      assert.deepEqual(parseScope(text), rules)
      assert.deepEqual(parseScope(serialiseScope(rules)), rules)
    })
  }

  // Each of these, read with goodwill, would be a rule on more than it names.
  for (const text of [
    '',
    ' ',
    '*',
    '@io.cozy.apps/drive',
    ':',
    ':GET',
    'io.cozy.files:',
    'io.cozy.files::',
    'io.cozy.files::id',
    'io.cozy.files:GET:',
    'io.cozy.files:GET,',
    'io.cozy.files:,',
    'io.cozy.files:GET:a,',
    'io.cozy.files:GET:a:',
    'io.cozy.files:GET::worker',
    'io.cozy.files:GET:a:worker:b',
    'io.cozy.*',
    'io.cozy.files\tio.cozy.bills',
    'io.cozy.files\n',
    'io.cozy.files io.*',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseScope(text), MALFORMED))
  }

  it('writes no rule it could not read again', () => {
    const rule = { type: 'io.cozy.files', verbs: ['GET'], values: ['a b'] }
    for (const values of [['a b'], ['a,b'], ['a:b'], ['']]) {
      assert.throws(() => serialiseScope([{ ...rule, values }]), MALFORMED)
    }
    assert.throws(() => serialiseScope([]), MALFORMED)
  })

  it('survives anything: a scope is read, and read again the same, or refused with 400', () => {
    const next = random(42)
    const pieces = [
      'io.cozy.files',
      'io.cozy.bank.*',
      '*',
      ':',
      ':',
      ',',
      ' ',
      'GET',
      'ALL',
      'POST',
      'a',
      '.',
      '..',
      '\u0000',
      '\ud800',
      'é',
      '@',
      '__proto__',
      '\t',
      'worker',
    ]
    let read = 0
    for (let round = 0; round < 20_000; round++) {
      const text = Array.from({ length: 1 + (next() % 9) }, () => pieces[next() % pieces.length]).join('')
      let rules: Rule[]
      try {
        rules = parseScope(text)
      } catch (error) {
        assert.ok(error instanceof HttpError && error.status === 400, text)
        continue
      }
      read++
      assert.deepEqual(parseScope(serialiseScope(rules)), rules, text)
      for (const rule of rules) {
        const values = [...rule.verbs, ...rule.values]
        assert.ok(isRuleType(rule.type) && !values.includes('') && rule.selector !== '', text)
      }
    }
    assert.ok(read > 500, `only ${read} were scopes at all`)
  })
})

/** Numbers that are the same at each run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 8
  }
}
