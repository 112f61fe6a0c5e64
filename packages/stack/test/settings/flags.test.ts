import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readContexts } from '../../src/rooms/settings/contexts.ts'
import { flagSources, mergeFlags } from '../../src/rooms/settings/flags.ts'

const flagsOf = (uuid: string, flags: Record<string, unknown>, text: object) =>
  mergeFlags(flagSources({ uuid, context: 'school', flags }, readContexts(JSON.stringify(text))))

test('the first source that names a flag decides, and null hides it', () => {
  const contexts = {
    contexts: {
      school: {
        features: { a: 'config', b: 'config', list: { list: ['x'] } },
        flags: { b: [{ ratio: 1, value: 'context' }], c: [{ ratio: 1, value: 'context' }] },
      },
    },
    defaults: {
      c: [{ ratio: 1, value: 'default' }],
      d: [{ ratio: 1, value: 'default' }],
      e: [{ ratio: 1, value: 'default' }],
    },
  }
  assert.deepEqual(flagsOf('u', { a: 'instance', e: null }, contexts), {
    a: 'instance',
    b: 'config',
    list: { list: ['x'] },
    c: 'context',
    d: 'default',
  })
  assert.deepEqual(flagsOf('u', {}, { contexts: { school: { features: ['on'] } } }), { on: true })
})

test('a ratio is about that part of the instances, and each always sees the same', () => {
  const contexts = { defaults: { half: [{ ratio: 0.5, value: true }] } }
  const seen = Array.from({ length: 1000 }, (_, n) => 'half' in flagsOf(`instance-${n}`, {}, contexts))
  const count = seen.filter(Boolean).length
  assert.ok(count > 430 && count < 570, String(count))
  assert.deepEqual(
    seen.slice(0, 50),
    Array.from({ length: 50 }, (_, n) => 'half' in flagsOf(`instance-${n}`, {}, contexts)),
  )
})

test('a file that is wrong is told with the place', () => {
  assert.throws(() => readContexts('{'), /no JSON/)
  assert.throws(() => readContexts('{"defaults":{"a":[{"ratio":2}]}}'), /defaults\.a\.0\.ratio/)
})
