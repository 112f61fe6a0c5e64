import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Account } from '@konnectory/protocol'
import { type EnergyVendor, startEnergyVendor } from './energy-vendor.ts'
import { ACCOUNT, startKonnector, startStack, type TestStack } from './konnector-process.ts'

const START = join(import.meta.dirname, 'examples/start-energy.ts')
const CWD = join(import.meta.dirname, 'examples/energy')
const auth = { email: 'ada@example.org', password: 'correct horse' }

const start = (stack: TestStack, vendor: EnergyVendor, env: Record<string, string> = {}) =>
  startKonnector(START, { ...stack.env, COZY_PARAMETERS: JSON.stringify({ site: vendor.url }), ...env }, { cwd: CWD })
const run = (...args: Parameters<typeof start>) => start(...args).ended
const accountOf = (stack: TestStack) => stack.client.data.get<Account>('io.cozy.accounts', ACCOUNT)

describe('the konnector of the guide, as a process', () => {
  test('brings files, bills and identity, then nothing new, without logging in again', async () => {
    await using vendor = await startEnergyVendor()
    await using stack = await startStack(auth)
    const first = await run(stack, vendor)
    assert.deepEqual([first.code, first.critical], [0, undefined], first.output)
    assert.deepEqual((await readdir(stack.root)).filter(name => name.endsWith('.pdf')).sort(), [
      '2026-01-01_demo-energy_10.00EUR.pdf',
      '2026-02-01_demo-energy_11.00EUR.pdf',
      '2026-03-01_demo-energy_12.00EUR.pdf',
    ])
    assert.match(
      await readFile(join(stack.root, '2026-02-01_demo-energy_11.00EUR.pdf'), 'utf8'),
      /^%PDF-1.4\n% invoice 1/,
    )
    const bills = await stack.client.data.all('io.cozy.bills')
    assert.deepEqual(bills.map(bill => bill.amount).sort(), [10, 11, 12])
    const [bill] = bills
    assert.match(String(bill?.invoice), /^io\.cozy\.files:/)
    assert.equal(bill?.cozyMetadata?.createdByApp, 'demo-energy')
    assert.equal(bill?.cozyMetadata?.sourceAccount, ACCOUNT)
    assert.equal(bill?.cozyMetadata?.sourceAccountIdentifier, 'ada@example.org')
    assert.equal((await stack.client.data.all('io.cozy.identities')).length, 1)
    assert.deepEqual(
      first.lines.filter(line => line.label === 'stage').map(line => line.stage),
      ['login', 'identity', 'bills'],
    )
    assert.deepEqual(
      first.lines.filter(line => line.label === 'progress' && line.done === 3).map(({ total, type }) => [total, type]),
      [[3, 'info']],
    )
    assert.equal((await accountOf(stack)).state, 'LOGIN_SUCCESS')

    const before = vendor.requests.length
    const events = stack.events.length
    const second = await run(stack, vendor)
    assert.equal(second.code, 0, second.output)
    assert.deepEqual(
      vendor.requests.slice(before).map(request => request.path),
      ['/api/me', '/api/me', '/api/invoices'],
      'no login, no download',
    )
    const written = stack.events.slice(events)
    assert.deepEqual(
      written.filter(event => event.kind === 'file' || event.doctype === 'io.cozy.bills'),
      [],
    )
  })

  test('logs in again when the session has ended, and forgets it when asked to', async () => {
    await using vendor = await startEnergyVendor()
    await using stack = await startStack(auth)
    await run(stack, vendor)
    const logins = () => vendor.requests.filter(request => request.path === '/login').length
    vendor.logEverybodyOut()
    assert.equal((await run(stack, vendor)).code, 0)
    assert.equal(logins(), 2)
    await stack.client.data.updateAttributes('io.cozy.accounts', ACCOUNT, { state: 'RESET_SESSION' })
    const third = await run(stack, vendor)
    assert.equal(third.code, 0)
    assert.equal(logins(), 3)
    const session = (await accountOf(stack)).data?.auth as { session: string }
    const jar = JSON.parse(session.session)
    assert.deepEqual([jar.storeType, jar.cookies.length, jar.cookies[0].key], ['MemoryCookieStore', 1, 'sid'])
  })

  test('a wrong password is LOGIN_FAILED, exit 1, and no secret is in the output', async () => {
    await using vendor = await startEnergyVendor()
    await using stack = await startStack({ ...auth, password: 'hunter22-not-it' })
    const end = await run(stack, vendor)
    assert.deepEqual([end.code, end.critical], [1, 'LOGIN_FAILED'], end.output)
    assert.ok(!end.output.includes('hunter22'))
  })

  test('a vendor that is down, by status and by silence of its port, is VENDOR_DOWN', async () => {
    await using vendor = await startEnergyVendor()
    await using stack = await startStack(auth)
    vendor.mode.down = true
    const sick = await run(stack, vendor)
    assert.deepEqual([sick.code, sick.critical], [1, 'VENDOR_DOWN'], sick.output)
    const gone = await startEnergyVendor()
    await gone[Symbol.asyncDispose]()
    const dead = await run(stack, gone)
    assert.deepEqual([dead.code, dead.critical], [1, 'VENDOR_DOWN'], dead.output)
  })

  test('an account without its password is LOGIN_FAILED.NEEDS_SECRET, and says which field', async () => {
    await using vendor = await startEnergyVendor()
    await using stack = await startStack({ email: auth.email })
    const end = await run(stack, vendor)
    assert.deepEqual([end.code, end.critical], [1, 'LOGIN_FAILED.NEEDS_SECRET'])
    assert.match(end.output, /no value for: password/)
    assert.deepEqual(vendor.requests, [])
  })

  test('a code is asked of the owner, and never shown', async () => {
    await using vendor = await startEnergyVendor()
    await using stack = await startStack(auth)
    vendor.mode.code = '918273'
    const running = start(stack, vendor, { COZY_JOB_MANUAL_EXECUTION: 'true' })
    await running.line(line => line.label === 'two-factor')
    const asked = await accountOf(stack)
    assert.deepEqual([asked.state, asked.twoFACode], ['TWOFA_NEEDED.SMS', null])
    await stack.client.data.updateAttributes('io.cozy.accounts', ACCOUNT, { twoFACode: vendor.mode.code })
    const end = await running.ended
    assert.equal(end.code, 0, end.output)
    const after = await accountOf(stack)
    assert.deepEqual([after.state, after.twoFACode], ['LOGIN_SUCCESS', null])
    assert.ok(!end.output.includes('918273'))
  })

  test('without anybody to ask for the code it ends at once, and the account is left alone', async () => {
    await using vendor = await startEnergyVendor()
    await using stack = await startStack(auth)
    vendor.mode.code = '918273'
    const end = await run(stack, vendor)
    assert.deepEqual([end.code, end.critical], [1, 'USER_ACTION_NEEDED.TWOFA_EXPIRED'])
    assert.equal((await accountOf(stack)).state, 'HANDLE_LOGIN_SUCCESS')
  })

  test('a removed account runs onDeleteAccount and nothing else', async () => {
    await using vendor = await startEnergyVendor()
    await using stack = await startStack({})
    const fields = { konnector: 'demo-energy', account: ACCOUNT, account_deleted: true }
    const end = await run(stack, vendor, { COZY_FIELDS: JSON.stringify(fields) })
    assert.equal(end.code, 0, end.output)
    assert.match(end.output, /nothing to undo/)
    assert.deepEqual(vendor.requests, [])
  })

  test('people get lines to read, coloured on a terminal; servers get JSON', async () => {
    await using vendor = await startEnergyVendor()
    await using stack = await startStack(auth)
    const end = await run(stack, vendor, { NODE_ENV: 'standalone', FORCE_COLOR: '1' })
    assert.equal(end.code, 0, end.output)
    assert.deepEqual(end.lines, [])
    assert.ok(
      end.output.includes('\u001b[35mdemo-energy\u001b[39m: \u001b[34minfo\u001b[39m : "stage"  : bills'),
      end.output,
    )
  })
})
