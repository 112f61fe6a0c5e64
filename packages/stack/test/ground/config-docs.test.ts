/** docs/reference/configuration.md names the variables that the server reads: all of them, and no other. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../../src/ground/index.ts'

const repository = join(import.meta.dirname, '../../../..')
const page = readFileSync(join(repository, 'docs/reference/configuration.md'), 'utf8')
const source = readFileSync(join(repository, 'packages/stack/src/ground/config.ts'), 'utf8')

/** Members of the schema, which is no part of the door: as they stand in its source. */
const [, schema = ''] = /environmentSchema = z\.object\(\{\n([\s\S]*?)\n\}\)/.exec(source) ?? []
const variables = [...schema.matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name = '']) => name)

/** Rows of the tables of the page: a variable, its default, what it says. */
const rows = new Map(
  Array.from(
    page.matchAll(/^\| `([A-Z][A-Z_]+)` \| (.*?) \| (.*) \|$/gm),
    ([, name = '', initial = '', meaning = '']) => [name, { initial, meaning }],
  ),
)

test('each variable of the schema has its row, and each row its variable', () => {
  assert.ok(variables.length > 10, 'the schema was not found in config.ts')
  assert.deepEqual([...rows.keys()].sort(), variables.toSorted())
  for (const [name, { meaning }] of rows) assert.ok(meaning.trim() !== '', `${name}: nothing is said of it`)
})

test('a default on the page is one that the server takes, and nothing else comes of it', () => {
  const unset = readConfig({})
  for (const [name, { initial }] of rows) {
    const [, value] = /^`(.*)`$/.exec(initial) ?? []
    if (value === undefined) assert.equal(initial, '–', `${name}: a default in backticks, or –`)
    else assert.deepEqual(readConfig({ [name]: value }), unset, `${name}: ${value} is not its default`)
  }
})

test('variables without a default may be left out, and are read when they are there', () => {
  for (const [name, { initial }] of rows) {
    if (initial !== '–') continue
    try {
      assert.notDeepEqual(readConfig({ [name]: 'x' }), readConfig({}), `${name} changes nothing`)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      assert.match(error.message, new RegExp(`^${name} `), `${name} is read, and x is no value of it`)
    }
  }
})
