import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replayEveryVersion } from '../../src/ground/database/replay.ts'
import { houseMigrations } from '../../src/house.ts'

test('the migrations of the house come out the same from every earlier version', async () => {
  const migrations = houseMigrations()
  assert.ok(migrations.length >= 12)
  assert.equal(await replayEveryVersion(migrations), migrations.length)
})
