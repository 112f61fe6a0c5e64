import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorkshop } from '../core/konnector-process.ts'

// real-usage.md section 10, 19: `categorize(operations)`, then reconciliation by cozy-doctypes over the old client. The
// calls below are those that cozy-doctypes 1.82 makes; its `cozy-client/dist/CozyClient` is a phantom module of ours.
test('pattern 19: categorised operations reconciled over the old client', async () => {
  await using workshop = await openWorkshop()
  const ended = await workshop.run(`
    const { BaseKonnector, categorize, cozyClient } = require('cozy-konnector-libs')
    const OPERATIONS = 'io.cozy.bank.operations', ACCOUNTS = 'io.cozy.bank.accounts'
    module.exports = new BaseKonnector(async () => {
      const fetched = [{ vendorId: 'op1', amount: -3, label: 'CB X' }, { vendorId: 'op2', amount: 4, label: 'VIR Y' }]
      const operations = await categorize(fetched)
      const index = await cozyClient.data.defineIndex(ACCOUNTS, ['number'])
      const none = await cozyClient.data.query(index, { selector: { number: '1' }, sort: [{ number: 'desc' }] })
      const account = await cozyClient.data.create(ACCOUNTS, { number: '1', balance: 1 })
      await cozyClient.data.updateAttributes(ACCOUNTS, account._id, { balance: 2 })
      const docs = operations.map(operation => ({ ...operation, account: account._id }))
      const written = await cozyClient.fetchJSON('POST', '/data/' + OPERATIONS + '/_bulk_docs', { docs })
      const { rows } = await cozyClient.fetchJSON('GET', '/data/' + OPERATIONS + '/_all_docs?include_docs=true')
      const [first] = await cozyClient.data.findAll(ACCOUNTS)
      console.log('> ' + JSON.stringify([
        none, first.balance, operations === fetched, written.map(({ ok }) => ok),
        rows.filter(({ doc }) => doc.account === account._id).map(({ doc }) => doc.vendorId).sort(),
      ]))
    })`)
  assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  assert.match(ended.stdout, /> \[\[\],2,true,\[true,true\],\["op1","op2"\]\]/)
  // Neither a global model (no such asset on this stack) nor operations to learn from: said, and not fatal.
  const said = ended.lines.filter(({ type }) => type === 'warn').map(({ message }) => message)
  assert.equal(said.filter(message => /no (global|local) categorisation/.test(message ?? '')).length, 2)
})
