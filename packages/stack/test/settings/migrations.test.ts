import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMigrations } from '../../src/ground/database/index.ts'
import { replayEveryVersion } from '../../src/ground/database/replay.ts'
import { migrations } from '../../src/rooms/settings/index.ts'

test('the tables of the settings come out the same from every earlier version', async () => {
  const all = readMigrations([migrations])
  assert.equal(await replayEveryVersion(all), all.length)
})
