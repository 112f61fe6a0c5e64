import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addData } from '../../src/add-data.ts'
import { hydrateAndFilter } from '../../src/hydrate-and-filter.ts'
import { type SaveBillsOptions, saveBills } from '../../src/save-bills.ts'
import { formatIdentityContact, saveIdentity, trimProperties } from '../../src/save-identity.ts'
import { updateOrCreate } from '../../src/update-or-create.ts'
import { ACCOUNT, FOLDER, openHouse, PDF } from './house.ts'

const TYPE = 'io.cozy.test'
const bill = (n: number, more: object = {}) => ({
  vendor: 'Acme',
  date: new Date(Date.UTC(2025, 0, n)),
  amount: n,
  filename: `${n}.pdf`,
  filestream: Buffer.from(PDF),
  ...more,
})
const save = (entries: object[], options: SaveBillsOptions = {}) =>
  saveBills(entries as never, { folderPath: FOLDER }, { ...ACCOUNT, ...options })

describe('saveBills', () => {
  test('without linking: the documents that were written', async () => {
    await using house = await openHouse()
    const saved = (await save([bill(1), bill(2)], { linkBankOperations: false })) as Record<string, unknown>[]
    assert.deepEqual(
      saved.map(({ amount, _id }) => [amount, typeof _id]),
      [
        [1, 'string'],
        [2, 'string'],
      ],
    )
    assert.deepEqual(await save([bill(1)], { linkBankOperations: false }), [])
    assert.equal((await house.client.data.all('io.cozy.bills')).length, 2)
  })

  test('FIX-17: a bill is linked to its operation in the run that creates it', async () => {
    await using house = await openHouse()
    await house.client.data.create('io.cozy.bank.operations', {
      _id: 'op1',
      amount: -7,
      date: '2025-01-08T00:00:00.000Z',
      label: 'CB ACME 123',
      manualCategoryId: '400100',
    })
    const result = (await save([bill(7)], { identifiers: ['acme'] })) as Record<
      string,
      { debitOperation?: { _id: string } }
    >
    const [stored] = await house.client.data.all('io.cozy.bills')
    assert.equal(result[stored?._id as string]?.debitOperation?._id, 'op1')
    const operation = await house.client.data.get('io.cozy.bank.operations', 'op1')
    assert.deepEqual(operation.bills, [`io.cozy.bills:${stored?._id}`])
  })

  test('FIX-4: nothing of a bill is logged but the name of its file, not even at debug', async () => {
    await using house = await openHouse()
    await house.client.data.create('io.cozy.bank.operations', {
      ...{ _id: 'op1', amount: -4711.5, date: '2025-01-08T00:00:00.000Z', label: 'CB ACME PRIVATE' },
    })
    const entry = bill(7, { amount: 4711.5, title: 'Surgery', vendorRef: 'ref-123456' })
    const result = (await save([entry], { identifiers: ['acme'] })) as object
    assert.match(JSON.stringify(result), /op1/, 'it was linked')
    const text = house.lines.join('\n')
    assert.match(text, /saveFiles created 1 files/)
    for (const detail of ['4711', 'Surgery', 'ref-123456', 'PRIVATE']) assert.ok(!text.includes(detail), detail)
  })

  test('a failed linking is a warning: undefined', async () => {
    await using house = await openHouse()
    assert.equal(await save([bill(1)]), undefined)
    assert.equal((await house.client.data.all('io.cozy.bills')).length, 1)
    assert.match(house.lines.join('\n'), /warn.*linkBankOperations/)
  })

  test('nothing to save: a warning, undefined, no request', async () => {
    await using house = await openHouse()
    for (const entries of [[], undefined, {}])
      assert.equal(await saveBills(entries as never, FOLDER, ACCOUNT), undefined)
    assert.deepEqual(house.requests, [])
    assert.equal(house.lines.filter(line => line.includes('No bills to save')).length, 3)
  })

  test('fields may be the path of the folder; entries and options stay as they were', async () => {
    await using house = await openHouse()
    const entry = bill(1)
    const options = { ...ACCOUNT, keys: ['amount'], linkBankOperations: false, contractId: 'c1' }
    await saveBills([entry], FOLDER, options)
    await house.client.files.statByPath(`${FOLDER}/c1/1.pdf`)
    assert.deepEqual(Object.keys(entry).sort(), ['amount', 'date', 'filename', 'filestream', 'vendor'])
    assert.deepEqual(options.keys, ['amount'])
  })

  test('manageContractsData', async () => {
    await using _house = await openHouse()
    const { entries, options } = saveBills.manageContractsData([{ contractId: 'c1' }], { keys: ['date'] })
    assert.deepEqual(entries, [{ contractId: 'c1', contractLabel: 'c1', subPath: 'c1' }])
    assert.deepEqual(options.keys, ['date', 'contractId'])
  })
})

describe('hydrateAndFilter', () => {
  test('needs a doctype', async () => {
    await assert.rejects(hydrateAndFilter([]), { message: 'Doctype is mandatory to filter the connector data.' })
  })

  test('gives ids to known documents and returns those to write', async () => {
    await using house = await openHouse()
    await house.client.data.create(TYPE, { ref: 'a' })
    const documents: { ref: string; _id?: string }[] = [{ ref: 'a' }, { ref: 'b' }]
    assert.deepEqual(await hydrateAndFilter(documents, TYPE, { keys: ['ref'] }), [{ ref: 'b' }])
    assert.equal(typeof documents[0]?._id, 'string')
    assert.deepEqual(await hydrateAndFilter(undefined, TYPE), [])
  })

  test('uses the index it is given', async () => {
    await using house = await openHouse()
    await house.client.data.create(TYPE, { ref: 'a', of: 'x' })
    const { id } = await house.client.data.defineIndex(TYPE, ['of'])
    const options = { keys: ['ref'], selector: { of: 'x' }, index: { doctype: TYPE, name: id, fields: ['of'] } }
    assert.deepEqual(await hydrateAndFilter([{ ref: 'a' }], TYPE, options), [])
  })
})

describe('addData', () => {
  test('creates and updates, in order, with metadata; one request for many', async () => {
    await using house = await openHouse()
    const [known] = await addData([{ n: 1 }], TYPE, ACCOUNT)
    assert.equal(known?.cozyMetadata?.sourceAccount, 'account1')
    assert.equal(known?.cozyMetadata?.createdByApp, 'acme')
    house.requests.length = 0
    const own = { cozyMetadata: { createdByApp: 'other' } }
    const saved = await addData(
      [
        { n: 2, ...own },
        { ...known, n: 3 },
      ],
      TYPE,
      ACCOUNT,
    )
    assert.deepEqual(
      saved.map(({ n }) => n),
      [2, 3],
    )
    assert.deepEqual(saved[0]?.cozyMetadata, own.cozyMetadata)
    assert.equal(saved[1]?._id, known?._id)
    assert.deepEqual(house.requests, [`POST /data/${TYPE}/_bulk_docs`])
  })

  test('is a Bluebird promise', async () => {
    await using _house = await openHouse()
    assert.deepEqual(await addData([{ n: 1 }, { n: 2 }], TYPE).map(doc => doc.n), [1, 2])
  })

  test('an _id without _rev rejects, after what comes before is written', async () => {
    await using house = await openHouse()
    await assert.rejects(Promise.resolve(addData([{ n: 1 }, { _id: 'x', n: 2 }, { n: 3 }], TYPE)), {
      message: 'Missing _rev field in passed document',
    })
    assert.deepEqual(
      (await house.client.data.all(TYPE)).map(({ n }) => n),
      [1],
    )
  })
})

describe('updateOrCreate', () => {
  test('updates by attributes, with the account of the options', async () => {
    await using house = await openHouse()
    await updateOrCreate([{ ref: 'a', v: 1 }], TYPE, ['ref'], ACCOUNT)
    const [updated] = await updateOrCreate([{ ref: 'a', v: 2 }], TYPE, ['ref'], ACCOUNT)
    assert.equal(updated?.v, 2)
    assert.equal(updated?.cozyMetadata?.sourceAccountIdentifier, 'me@mail.test')
    assert.equal((await house.client.data.all(TYPE)).length, 1)
    assert.deepEqual(await updateOrCreate(undefined, TYPE), [])
  })
})

describe('saveIdentity', () => {
  test('saves one identity per account identifier', async () => {
    await using house = await openHouse()
    await saveIdentity({ contact: { phone: '01.23' } }, 'me', { sourceAccount: 'account1' })
    await saveIdentity({ contact: { phone: '04' } }, 'me', { sourceAccount: 'account1', merge: false })
    const [identity, ...others] = await house.client.data.all('io.cozy.identities')
    assert.deepEqual(others, [])
    assert.deepEqual(identity?.contact, { phone: [{ number: '04' }] })
    assert.equal(identity?.cozyMetadata?.sourceAccount, 'account1')
  })

  test('its helpers', async () => {
    await using _house = await openHouse()
    assert.deepEqual(formatIdentityContact({ email: ' a@b ' }), { email: [{ address: 'a@b' }] })
    assert.deepEqual(trimProperties({ a: [' b '], c: { d: ' e ' }, n: 1 }), { a: ['b'], c: { d: 'e' }, n: 1 })
  })
})
