import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Verb } from '../../src/ground/http/grant.ts'
import { grantOf, rulesAbout, rulesOf } from '../../src/rooms/permissions/grant.ts'
import { readRules } from '../../src/rooms/permissions/read-rules.ts'
import { MAXIMAL } from '../../src/rooms/permissions/rules.ts'
import { parseScope } from '../../src/rooms/permissions/scope.ts'

type Asked =
  | ['whole', Verb, string]
  | ['id', Verb, string, string]
  | ['document', Verb, string, string | undefined, Record<string, unknown>]
  | ['fields', Verb, string, Record<string, unknown>, string[]]

/** Scope, question, answer. */
const TABLE: [string, Asked, boolean][] = [
  // Whole types.
  ['io.cozy.bills', ['whole', 'GET', 'io.cozy.bills'], true],
  ['io.cozy.bills', ['whole', 'DELETE', 'io.cozy.bills'], true],
  ['io.cozy.bills', ['whole', 'GET', 'io.cozy.bills.x'], false],
  ['io.cozy.bills:GET', ['whole', 'GET', 'io.cozy.bills'], true],
  ['io.cozy.bills:GET', ['whole', 'POST', 'io.cozy.bills'], false],
  ['io.cozy.bills:GET,POST', ['whole', 'POST', 'io.cozy.bills'], true],
  ['io.cozy.bills:GET:a', ['whole', 'GET', 'io.cozy.bills'], false],
  ['io.cozy.bills:GET:acme:vendor', ['whole', 'GET', 'io.cozy.bills'], false],
  ['io.cozy.bank.*:GET', ['whole', 'GET', 'io.cozy.bank.operations'], true],
  ['io.cozy.bank.*:GET', ['whole', 'GET', 'io.cozy.bank'], true],
  ['io.cozy.bank.*:GET', ['whole', 'GET', 'io.cozy.banks'], false],
  ['io.cozy.bank.*:GET', ['whole', 'PUT', 'io.cozy.bank.operations'], false],
  ['io.cozy.bills:GET:a io.cozy.bills:GET', ['whole', 'GET', 'io.cozy.bills'], true],
  ['io.cozy.bills:CREATED', ['whole', 'GET', 'io.cozy.bills'], false],
  ['io.cozy.bills:CREATED', ['whole', 'POST', 'io.cozy.bills'], false],
  // Ids.
  ['io.cozy.bills', ['id', 'GET', 'io.cozy.bills', 'a'], true],
  ['io.cozy.bills:GET:a,b', ['id', 'GET', 'io.cozy.bills', 'b'], true],
  ['io.cozy.bills:GET:a,b', ['id', 'GET', 'io.cozy.bills', 'c'], false],
  ['io.cozy.bills:GET:a', ['id', 'PUT', 'io.cozy.bills', 'a'], false],
  ['io.cozy.bills:GET:a', ['id', 'GET', 'io.cozy.accounts', 'a'], false],
  ['io.cozy.bills:GET:a:vendor', ['id', 'GET', 'io.cozy.bills', 'a'], false],
  ['io.cozy.bank.*:GET:a', ['id', 'GET', 'io.cozy.bank.operations', 'a'], true],
  ['io.cozy.bills:GET:a', ['id', 'GET', 'io.cozy.bills', 'A'], false],
  // Documents.
  ['io.cozy.bills', ['document', 'POST', 'io.cozy.bills', undefined, {}], true],
  ['io.cozy.bills:POST:a', ['document', 'POST', 'io.cozy.bills', undefined, {}], false],
  ['io.cozy.bills:GET:a', ['document', 'GET', 'io.cozy.bills', 'a', {}], true],
  ['io.cozy.bills:GET:acme:vendor', ['document', 'GET', 'io.cozy.bills', 'a', { vendor: 'acme' }], true],
  ['io.cozy.bills:GET:acme:vendor', ['document', 'POST', 'io.cozy.bills', 'a', { vendor: 'acme' }], false],
  ['io.cozy.bills:GET:acme:vendor', ['document', 'GET', 'io.cozy.bills', 'acme', {}], false],
  ['io.cozy.bills:GET:acme:vendor', ['document', 'GET', 'io.cozy.bills', 'a', { vendor: 'other' }], false],
  ['io.cozy.bills:GET:acme:vendor', ['document', 'GET', 'io.cozy.bills', 'a', { vendor: ['acme'] }], false],
  ['io.cozy.bills:GET:acme:vendor', ['document', 'GET', 'io.cozy.bills', 'a', { data: { vendor: 'acme' } }], false],
  [
    'io.cozy.bills:GET:acme:data.vendor',
    ['document', 'GET', 'io.cozy.bills', 'a', { data: { vendor: 'acme' } }],
    false,
  ],
  ['io.cozy.bills:GET:12:amount', ['document', 'GET', 'io.cozy.bills', 'a', { amount: 12 }], true],
  ['io.cozy.bills:GET:12.5:amount', ['document', 'GET', 'io.cozy.bills', 'a', { amount: 12.5 }], true],
  ['io.cozy.bills:GET:true:paid', ['document', 'GET', 'io.cozy.bills', 'a', { paid: true }], true],
  ['io.cozy.bills:GET:null:paid', ['document', 'GET', 'io.cozy.bills', 'a', { paid: null }], false],
  ['io.cozy.bills:GET:undefined:paid', ['document', 'GET', 'io.cozy.bills', 'a', {}], false],
  ['io.cozy.bills:GET:[object', ['document', 'GET', 'io.cozy.bills', 'a', { paid: {} }], false],
  ['io.cozy.bills:GET:x:constructor', ['document', 'GET', 'io.cozy.bills', 'a', {}], false],
  [
    'io.cozy.bills:GET:io.cozy.x/1:referenced_by',
    [
      'document',
      'GET',
      'io.cozy.bills',
      'a',
      {
        referenced_by: [
          { type: 'io.cozy.y', id: '2' },
          { type: 'io.cozy.x', id: '1' },
        ],
      },
    ],
    true,
  ],
  [
    'io.cozy.bills:GET:1:referenced_by',
    ['document', 'GET', 'io.cozy.bills', 'a', { referenced_by: [{ type: 'io.cozy.x', id: '1' }] }],
    false,
  ],
  [
    'io.cozy.bills:GET:x:referenced_by',
    ['document', 'GET', 'io.cozy.bills', 'a', { referenced_by: [null, 3, 'x'] }],
    false,
  ],
  [
    'io.cozy.bills:GET:io.cozy.x/1:other',
    ['document', 'GET', 'io.cozy.bills', 'a', { other: [{ type: 'io.cozy.x', id: '1' }] }],
    false,
  ],
  // Fields.
  ['io.cozy.jobs:POST:sendmail:worker', ['fields', 'POST', 'io.cozy.jobs', { worker: 'sendmail' }, ['worker']], true],
  ['io.cozy.jobs:POST:sendmail:worker', ['fields', 'POST', 'io.cozy.jobs', { worker: 'konnector' }, ['worker']], false],
  ['io.cozy.jobs:POST:sendmail:worker', ['fields', 'GET', 'io.cozy.jobs', { worker: 'sendmail' }, ['worker']], false],
  ['io.cozy.jobs:POST:sendmail:worker', ['fields', 'POST', 'io.cozy.jobs', { worker: 'sendmail' }, ['slug']], false],
  ['io.cozy.jobs:POST:sendmail', ['fields', 'POST', 'io.cozy.jobs', { worker: 'sendmail' }, ['worker', '']], false],
  ['io.cozy.jobs:POST', ['fields', 'POST', 'io.cozy.jobs', { worker: 'sendmail' }, ['worker']], true],
]

describe('what a set allows', () => {
  for (const [scope, asked, expected] of TABLE) {
    it(`${scope} ${expected ? 'allows' : 'does not allow'} ${JSON.stringify(asked)}`, () => {
      assert.equal(ask(scope, asked), expected)
    })
  }

  it('nothing without rules', () => {
    const grant = grantOf([])
    assert.equal(grant.allowsWholeType('GET', 'io.cozy.files'), false)
    assert.equal(grant.allowsDocument('GET', 'io.cozy.files', 'a', { a: 1 }), false)
    assert.equal(grant.maximal, false)
  })

  it('everything with the maximal set, and only the server makes it', () => {
    const grant = grantOf(MAXIMAL)
    assert.equal(grant.maximal, true)
    assert.equal(grant.allowsWholeType('DELETE', 'anything.at_all'), true)
    assert.throws(() => readRules({ all: { type: '*' } }), { status: 403 })
    assert.throws(() => parseScope('*'), { status: 400 })
  })

  it('a selector without values narrows nothing', () => {
    const grant = grantOf(readRules({ a: { type: 'io.cozy.bills', selector: 'vendor' } }))
    assert.equal(grant.allowsWholeType('GET', 'io.cozy.bills'), true)
  })

  it('rules behind a grant can be asked for', () => {
    const set = parseScope('io.cozy.files:GET:a io.cozy.files:POST io.cozy.bills')
    const grant = grantOf(set)
    assert.deepEqual(rulesOf(grant), set)
    assert.deepEqual(rulesAbout(grant, 'GET', 'io.cozy.files'), [set[0]])
    assert.deepEqual(rulesOf({ ...grant }), [], 'a grant of unknown make shows no rules')
    assert.deepEqual(rulesOf({ ...grant, maximal: true }), MAXIMAL)
  })
})

function ask(scope: string, asked: Asked): boolean {
  const grant = grantOf(parseScope(scope))
  switch (asked[0]) {
    case 'whole':
      return grant.allowsWholeType(asked[1], asked[2])
    case 'id':
      return grant.allowsId(asked[1], asked[2], asked[3])
    case 'document':
      return grant.allowsDocument(asked[1], asked[2], asked[3], asked[4])
    case 'fields':
      return grant.allowsOnFields(asked[1], asked[2], asked[3], asked[4])
  }
}
