import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

test('the reference shows the example as it is under test', () => {
  const reference = read('docs/reference/sdk.md')
  const [, path = '', shown] = /<!-- example: (\S+) -->\n```ts\n([\s\S]*?)```\n<!-- \/example -->/.exec(reference) ?? []
  assert.equal(shown, read(path), `copy ${path} into docs/reference/sdk.md`)
})

test('the reference shows fields and permissions of the example’s manifest', () => {
  const manifest = JSON.parse(read('packages/sdk/test/examples/energy/manifest.konnector'))
  const [, shown = ''] = /```json\n([\s\S]*?)```/.exec(read('docs/reference/sdk.md')) ?? []
  for (const [name, value] of Object.entries(JSON.parse(`{${shown}}`))) assert.deepEqual(value, manifest[name])
})
