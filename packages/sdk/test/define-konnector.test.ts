// Half of these tests are read by tsc: a `@ts-expect-error` without an error is an error.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineKonnector, findKonnector, KONNECTOR_KIND, type RunContext } from '../src/index.ts'
import manifest from './manifest-for-types.json' with { type: 'json' }

/** Compiles only when both types are the same. */
function same<A, B>(_same: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false): void {}

describe('types of fields', () => {
  test('declared in place', () => {
    defineKonnector({
      fields: {
        login: { type: 'email' },
        password: { type: 'password' },
        plain: {},
        news: { type: 'checkbox', required: false },
        region: { type: 'dropdown', options: [{ value: 'n' }, { value: 's', name: 'South' }] },
        free: { type: 'dropdown' },
        nickname: { required: false },
        old: { isRequired: false },
        sure: { required: true },
      },
      run({ fields }) {
        same<
          typeof fields,
          {
            login: string
            password: string
            plain: string
            news: boolean
            region: 'n' | 's'
            free: string
            sure: string
            nickname?: string
            old?: string
          }
        >(true)
        // @ts-expect-error not declared
        fields.other
        // @ts-expect-error may be absent
        fields.nickname.length
        // @ts-expect-error not an option
        fields.region === 'x'
      },
    })
  })

  test('in a manifest written in place', () => {
    defineKonnector({
      manifest: { slug: 'x', fields: { login: { type: 'text' }, news: { type: 'checkbox' } } },
      run({ fields }) {
        same<typeof fields, { login: string; news: boolean }>(true)
      },
    })
  })

  test('from an imported JSON manifest, as far as its widened types go', () => {
    defineKonnector<typeof manifest>({
      run({ fields }) {
        same<typeof fields, { login: string; news: boolean; region: string; nickname?: string }>(true)
      },
    })
    defineKonnector({
      manifest,
      // Says what JSON hides.
      fields: { region: { type: 'dropdown', options: [{ value: 'n' }] } },
      run({ fields }) {
        same<typeof fields, { login: string; news: boolean; nickname?: string; region: 'n' }>(true)
      },
    })
  })

  test('without any: values of unknown type', () => {
    defineKonnector({
      run({ fields }) {
        same<typeof fields, Record<string, unknown>>(true)
      },
    })
  })

  test('mistakes are seen', () => {
    // @ts-expect-error a konnector without run
    defineKonnector({ fields: {} })
    // @ts-expect-error a type is a text
    defineKonnector({ fields: { login: { type: 1 } }, run() {} })
    // @ts-expect-error the context has no such member
    defineKonnector({ run: ({ browser }) => browser })
    const context = {} as RunContext
    // @ts-expect-error an unknown code
    const code: Parameters<typeof context.errors.userActionNeeded>[0] = 'SLEEP'
    assert.equal(code, 'SLEEP')
  })
})

describe('a konnector', () => {
  const konnector = defineKonnector({ run: () => assert.fail('nothing runs by itself') })

  test('is a plain object that does nothing by itself', () => {
    assert.equal(konnector.kind, KONNECTOR_KIND)
    assert.deepEqual(Object.keys(konnector).sort(), ['kind', 'run'])
  })

  test('is found in what a module exports, and only there', () => {
    for (const exported of [konnector, { default: konnector }, { default: { default: konnector } }]) {
      assert.equal(findKonnector(exported), konnector)
    }
    for (const exported of [undefined, null, 1, {}, Promise.resolve(), { default: null }, { kind: 'x' }, class {}]) {
      assert.equal(findKonnector(exported), undefined)
    }
  })
})
