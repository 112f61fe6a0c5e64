/**
 * The lockfile serves every platform. npm, run where node_modules exists, writes a lockfile without the optional packages of
 * other platforms, and `npm ci` then fails on a fresh clone. The cure: delete node_modules and package-lock.json, npm install.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

interface Entry {
  optionalDependencies?: Record<string, string>
}

test('every optional dependency in package-lock.json is itself there', () => {
  const lock: { packages: Record<string, Entry> } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'package-lock.json'), 'utf8'),
  )
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      name => !lock.packages[`node_modules/${name}`] && !lock.packages[`${path}/node_modules/${name}`],
    ),
  )
  assert.deepEqual(missing, [])
})
