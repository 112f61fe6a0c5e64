import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/ground/clock.ts'
import { openTriggers } from './help.ts'

const started = new Set<ChildProcess>()
after(() => {
  for (const child of started) child.kill('SIGKILL')
})

async function scheduler(url: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-scheduler.ts'), url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  started.add(child)
  child.once('exit', () => started.delete(child))
  await once(child.stdout!, 'data')
  return child
}

test('schedulers killed at random: each due slot has exactly one job', { timeout: 180_000 }, async () => {
  const TRIGGERS = 400
  const SECONDS = 15
  const KILLS = 8
  await using house = await openTriggers({ clock: systemClock })
  await house.jobs.registerWorker({ name: 'slot', run: async () => {} })
  const ids: string[] = []
  for (let index = 0; index < TRIGGERS; index++)
    ids.push((await house.make({ worker: 'slot', arguments: '0 0 5 1 1 *', message: null })).id)
  const children = await Promise.all([scheduler(house.url), scheduler(house.url)])
  await house.database.driver.query(
    `update trigger_schedule set due = now() + random() * $1 * interval '1 second' where instance_id = $2`,
    [SECONDS, house.alice.id],
  )
  for (let kill = 0; kill < KILLS; kill++) {
    await delay(Math.random() * 600)
    const index = kill % children.length
    children[index]!.kill('SIGKILL')
    await once(children[index]!, 'exit')
    children[index] = await scheduler(house.url)
  }
  const left = async () =>
    (await house.database.driver.query("select from trigger_schedule where due < now() + interval '1 minute'")).rowCount
  for (const began = Date.now(); (await left()) !== 0; await delay(100))
    assert.ok(Date.now() - began < 60_000, `${await left()} slots are still due`)
  const jobs = await house.jobs.ofTriggers(house.alice, ids, 10)
  for (const id of ids) assert.equal(jobs.get(id)?.length, 1, id)
})
