import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addData } from '../../src/add-data.ts'
import { cozyClient } from '../../src/cozy-client/index.ts'
import { Document } from '../../src/document.ts'
import { hydrateAndFilter } from '../../src/hydrate-and-filter.ts'
import { startLocalRun } from './local-run.ts'

const DOCTYPE = 'fr.vendor.contracts'

class Contract extends Document {
  static override version = 2

  validate({ reference }: { reference?: string }): void {
    if (!reference) throw new Error('a contract needs a reference')
  }

  /** No parameter: called as a method of the entry. */
  shouldSave(): boolean {
    return this.price > 0
  }

  /** One parameter: the document that is stored. */
  shouldUpdate(stored: { price: number }): boolean {
    return this.price !== stored.price
  }
}

// real-usage.md section 10, 10: subclasses of Document with `validate`, `shouldSave` and `shouldUpdate` as methods.
test('pattern 10: documents that decide by themselves what is written', async () => {
  using _run = startLocalRun()
  const synchronise = async (prices: Record<string, number>) => {
    const contracts = Object.entries(prices).map(([reference, price]) => new Contract({ reference, price }))
    const kept = await hydrateAndFilter(contracts, DOCTYPE, { keys: ['reference'] })
    await addData(kept, DOCTYPE)
    return kept.map(({ reference }) => reference)
  }
  assert.throws(() => new Contract({ price: 1 }), /needs a reference/)
  assert.deepEqual(await synchronise({ home: 10, car: 20, free: 0 }), ['home', 'car'])
  assert.deepEqual(await synchronise({ home: 10, car: 25, free: 0 }), ['car'])
  const stored = await cozyClient.data.findAll(DOCTYPE)
  assert.deepEqual(stored.map(({ reference, price, metadata }) => [reference, price, metadata.version]).sort(), [
    ['car', 25, 2],
    ['home', 10, 2],
  ])
})
