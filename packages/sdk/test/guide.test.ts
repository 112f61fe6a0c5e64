import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

test('the guide shows the example as it is under test', () => {
  const guide = read('docs/guide/write-a-konnector.md')
  const [, path = '', shown] = /<!-- example: (\S+) -->\n```ts\n([\s\S]*?)```\n<!-- \/example -->/.exec(guide) ?? []
  assert.equal(shown, read(path), `copy ${path} into docs/guide/write-a-konnector.md`)
})

test('the guide shows fields and permissions of the example’s manifest', () => {
  const manifest = JSON.parse(read('packages/sdk/test/examples/energy/manifest.konnector'))
  const [, shown = ''] = /```json\n([\s\S]*?)```/.exec(read('docs/guide/write-a-konnector.md')) ?? []
  for (const [name, value] of Object.entries(JSON.parse(`{${shown}}`))) assert.deepEqual(value, manifest[name])
})
