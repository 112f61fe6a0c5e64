import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, describe, it, mock } from 'node:test'
import { createClient } from '@konnectory/client'
import { BaseKonnector } from '../../src/base-konnector.ts'
import { cozyClient } from '../../src/cozy-client/index.ts'
import { forgetSecrets, maskSecrets } from '../../src/log.ts'
import { setManifest } from '../../src/manifest.ts'
import { useStackClient } from '../../src/stack-client.ts'
import { openHouse } from './house.ts'

const env = { ...process.env }
const lines: string[] = []
beforeEach(() => {
  lines.length = 0
  mock.method(console, 'log', (line: string) => lines.push(line))
  process.env.COZY_FIELDS = JSON.stringify({ account: 'acc1', folder_to_save: 'io.cozy.files.root-dir' })
})
afterEach(() => {
  mock.restoreAll()
  mock.timers.reset()
  forgetSecrets()
  setManifest(undefined)
  process.env = { ...env }
})
// Konnectors made here have attached them to this process.
after(() => {
  for (const event of ['uncaughtException', 'unhandledRejection', 'SIGTERM', 'SIGINT'])
    process.removeAllListeners(event)
})

/** A konnector whose attributes are there. */
async function prepared(): Promise<BaseKonnector> {
  const konnector = new BaseKonnector()
  await konnector.initAttributes()
  return konnector
}

const accountStates = (house: Awaited<ReturnType<typeof openHouse>>) =>
  house.requests
    .filter(({ method, path }) => method === 'PUT' && path.includes('io.cozy.accounts'))
    .map(({ body }) => [(body as { state: unknown }).state, (body as { twoFACode: unknown }).twoFACode])

describe('account data', () => {
  it('is merged, or replaced, and given back', async () => {
    await using _house = await openHouse()
    const konnector = await prepared()
    assert.deepEqual({ ...konnector.getAccountData() }, {})
    assert.deepEqual(await konnector.saveAccountData({ a: 1 }), { a: 1 })
    assert.deepEqual(await konnector.saveAccountData({ b: 2 }), { a: 1, b: 2 })
    assert.deepEqual({ ...konnector.getAccountData() }, { a: 1, b: 2 })
    assert.deepEqual(await konnector.saveAccountData({ c: 3 }, { merge: false }), { c: 3 })
    const again = await prepared()
    assert.deepEqual({ ...again.getAccountData() }, { c: 3 })
  })

  it('changes by GET and PUT of the whole account', async () => {
    await using house = await openHouse()
    const konnector = await prepared()
    house.requests.length = 0
    const account = await konnector.updateAccountAttributes({ state: 'X' })
    assert.equal(account.state, 'X')
    assert.equal(konnector._account.state, 'X')
    assert.deepEqual(
      house.requests.map(({ method }) => method),
      ['GET', 'PUT'],
    )
    assert.equal((house.requests[1]?.body as { auth: { login: string } } | undefined)?.auth.login, 'me')
  })
})

describe('login state', () => {
  it('is written for pages to see', async () => {
    await using house = await openHouse()
    const konnector = await prepared()
    await konnector.notifySuccessfulLogin()
    await konnector.deactivateAutoSuccessfulLogin()
    await konnector.deactivateAutoSuccessfulLogin()
    assert.deepEqual(
      accountStates(house).map(([state]) => state),
      ['LOGIN_SUCCESS', 'HANDLE_LOGIN_SUCCESS'],
    )
  })

  it('asks for each kind of code', async () => {
    await using house = await openHouse()
    const konnector = await prepared()
    for (const type of ['email', 'sms', 'app_code', 'app', 'pigeon', undefined]) {
      await konnector.setTwoFAState(type === undefined ? {} : { type })
    }
    await konnector.setTwoFAState({ type: 'sms', retry: true })
    await konnector.resetTwoFAState()
    assert.deepEqual(accountStates(house), [
      ['TWOFA_NEEDED.EMAIL', null],
      ['TWOFA_NEEDED.SMS', null],
      ['TWOFA_NEEDED.APP_CODE', null],
      ['TWOFA_NEEDED.APP', null],
      ['TWOFA_NEEDED', null],
      ['TWOFA_NEEDED', null],
      ['TWOFA_NEEDED_RETRY.SMS', null],
      [null, null],
    ])
  })
})

describe('waitForTwoFaCode', () => {
  beforeEach(() => {
    process.env.COZY_JOB_MANUAL_EXECUTION = 'true'
  })

  it('FIX-4: gives the code, in exactly two updates, and never logs it', async () => {
    await using house = await openHouse()
    const konnector = await prepared()
    const waiting = konnector.waitForTwoFaCode({ heartBeat: 5 })
    const untilAsked = async () => {
      while ((await cozyClient.data.find('io.cozy.accounts', 'acc1')).state !== 'TWOFA_NEEDED.EMAIL')
        await new Promise(setImmediate)
    }
    await untilAsked()
    await house.stack.fetch('http://x/data/io.cozy.accounts/acc1', {
      method: 'PUT',
      body: JSON.stringify({
        ...(await cozyClient.data.find('io.cozy.accounts', 'acc1')),
        state: null,
        twoFACode: '482913',
      }),
    })
    assert.equal(await waiting, '482913')
    assert.deepEqual(accountStates(house), [
      ['TWOFA_NEEDED.EMAIL', null],
      [null, null],
    ])
    assert.ok(!lines.join('\n').includes('482913'))
    assert.equal(maskSecrets('482913'), '***')
  })

  it('ends with TWOFA_EXPIRED when no code comes in time, leaving the state', async () => {
    await using house = await openHouse()
    const konnector = await prepared()
    const expired = { message: 'USER_ACTION_NEEDED.TWOFA_EXPIRED' }
    await assert.rejects(
      konnector.waitForTwoFaCode({ type: 'sms', heartBeat: 5, endTime: Date.now() + 20, retry: true }),
      expired,
    )
    assert.deepEqual(accountStates(house), [['TWOFA_NEEDED_RETRY.SMS', null]])
    await assert.rejects(konnector.waitForTwoFaCode({ heartBeat: 5, timeout: Date.now() + 10 }), expired)
    assert.ok(lines.some(line => line.includes('deprecated')))
  })

  it('looks at the account every 5 seconds, for 3 minutes', async () => {
    await using house = await openHouse()
    const konnector = await prepared()
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
    const expired = assert.rejects(konnector.waitForTwoFaCode(), { message: 'USER_ACTION_NEEDED.TWOFA_EXPIRED' })
    const looks = () => house.requests.filter(({ method, path }) => method === 'GET' && path.includes('acc1')).length
    const turn = async () => {
      for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    }
    await turn()
    const before = looks()
    mock.timers.tick(4999)
    await turn()
    assert.equal(looks(), before)
    mock.timers.tick(1)
    await turn()
    assert.equal(looks(), before + 1)
    for (let seconds = 5; seconds < 180; seconds += 5) {
      mock.timers.tick(5000)
      await turn()
    }
    await expired
    assert.equal(looks(), before + 36)
  })

  it('ends at once when nobody started the run, without touching the account', async () => {
    delete process.env.COZY_JOB_MANUAL_EXECUTION
    await using house = await openHouse()
    const konnector = await prepared()
    await assert.rejects(konnector.waitForTwoFaCode(), { message: 'USER_ACTION_NEEDED.TWOFA_EXPIRED' })
    assert.deepEqual(accountStates(house), [])
  })
})

describe('findFolderPath', () => {
  it('comes from the trigger, else from the account, asked with false', async () => {
    await using _house = await openHouse()
    const bills = await cozyClient.files.createDirectory({ name: 'Bills', dirID: 'io.cozy.files.root-dir' })
    const stat = mock.method(cozyClient.files, 'statById')
    assert.equal(await BaseKonnector.findFolderPath({ folder_to_save: bills._id }, { folderId: 'no' }), '/Bills')
    assert.equal(await BaseKonnector.findFolderPath({}, { folderId: bills._id }), '/Bills')
    assert.deepEqual(
      stat.mock.calls.map(call => call.arguments),
      [
        [bills._id, false],
        [bills._id, false],
      ],
    )
    assert.equal(await BaseKonnector.findFolderPath({}, {}), undefined)
    await assert.rejects(BaseKonnector.findFolderPath({ folder_to_save: 'x' }, {}), {
      message: 'NOT_EXISTING_DIRECTORY',
    })
  })

  it('wins over an account field of the same name', async () => {
    await using _house = await openHouse({ auth: { login: 'me', folderPath: '/elsewhere' } })
    assert.equal((await prepared()).fields.folderPath, '/')
  })
})

describe('construction', () => {
  it('with a function gives a promise, in a subclass too, where `this` is then that promise', async () => {
    await using _house = await openHouse()
    class Mine extends BaseKonnector {
      constructor() {
        super(async () => {})
      }
    }
    const promise: unknown = new Mine()
    assert.ok(promise instanceof Promise && !(promise instanceof BaseKonnector))
    await promise
  })
})

describe('getAccount', () => {
  it('says that terms are to be accepted, as the stack does (402)', async () => {
    // protocol/conventions.md: a JSON array whose first element has this title.
    const body = JSON.stringify([{ status: '402', title: 'TOS Updated', code: 'tos-updated' }])
    const refuse = async () => new Response(body, { status: 402 })
    useStackClient(createClient({ url: 'http://house.test', fetch: refuse }))
    try {
      await assert.rejects(new BaseKonnector().getAccount('acc1'), { message: 'TOS_NOT_ACCEPTED' })
    } finally {
      useStackClient(undefined)
    }
  })
})

describe('checkTOS', () => {
  it('throws for that one answer', () => {
    assert.throws(() => BaseKonnector.checkTOS({ reason: [{ title: 'TOS Updated' }] }), { message: 'TOS_NOT_ACCEPTED' })
    for (const error of [
      undefined,
      null,
      {},
      { reason: [] },
      { reason: [null] },
      { reason: [{ title: 'x' }] },
      new Error('x'),
    ]) {
      BaseKonnector.checkTOS(error)
    }
  })
})

describe('saving methods', () => {
  it('save for the account of the run; options of the caller win', async () => {
    await using house = await openHouse()
    setManifest({ slug: 'acme' })
    const konnector = await prepared()
    konnector.fields.login = 'me@mail.net'
    const entry = (name: string) => ({ filename: name, filestream: 'text', fileAttributes: {} })
    await konnector.saveFiles([entry('a.txt')], konnector.fields, { validateFile: () => true })
    await konnector.saveFiles([entry('b.txt')], konnector.fields, {
      validateFile: () => true,
      sourceAccountIdentifier: 'other',
    })
    const of = async (path: string) => (await cozyClient.files.statByPath(path)).attributes.cozyMetadata
    assert.deepEqual(
      [(await of('/a.txt'))?.sourceAccount, (await of('/a.txt'))?.sourceAccountIdentifier],
      ['acc1', 'me@mail.net'],
    )
    assert.equal((await of('/b.txt'))?.sourceAccountIdentifier, 'other')
    assert.ok(house.events.some(event => event.kind === 'file'))
  })

  it('saveBills and saveIdentity are for the account too', async () => {
    await using _house = await openHouse()
    setManifest({ slug: 'acme' })
    const konnector = await prepared()
    konnector.fields.login = 'me@mail.net'
    const bill = { vendor: 'V', date: new Date(), amount: 1, filename: 'b.txt', filestream: 'text' }
    await konnector.saveBills([bill], konnector.fields, { linkBankOperations: false, contentType: 'text/plain' })
    await konnector.saveIdentity({ name: { familyName: 'Doe' } }, 'other@mail.net')
    const [stored] = await cozyClient.data.findAll('io.cozy.bills')
    const [identity] = await cozyClient.data.findAll('io.cozy.identities')
    assert.deepEqual(
      [stored, identity].map(doc => [doc?.cozyMetadata?.sourceAccount, doc?.cozyMetadata?.sourceAccountIdentifier]),
      [
        ['acc1', 'me@mail.net'],
        ['acc1', 'other@mail.net'],
      ],
    )
    assert.equal(identity?.identifier, 'other@mail.net')
  })

  it('with the path of the folder alone have no identifier', async () => {
    await using _house = await openHouse()
    const konnector = await prepared()
    await konnector.saveFiles([{ filename: 'a.txt', filestream: 'text' }], '/', { validateFile: () => true })
    const { cozyMetadata } = (await cozyClient.files.statByPath('/a.txt')).attributes
    assert.equal(cozyMetadata?.sourceAccount, 'acc1')
    assert.equal(cozyMetadata?.sourceAccountIdentifier, undefined)
  })

  it('throw without fields, as upstream does', async () => {
    await using _house = await openHouse()
    const konnector = await prepared()
    assert.throws(() => konnector.saveFiles([], undefined), TypeError)
  })

  it('updateOrCreate takes the login from options.fields', async () => {
    await using _house = await openHouse()
    const konnector = await prepared()
    await konnector.updateOrCreate([{ id: 1 }], 'io.cozy.things', ['id'], { fields: { login: 'you' } } as never)
    const [doc] = await cozyClient.data.findAll('io.cozy.things')
    assert.equal(doc?.cozyMetadata?.sourceAccountIdentifier, 'you')
    assert.equal(doc?.cozyMetadata?.sourceAccount, 'acc1')
  })

  it('getCozyMetadata adds the account to its argument', async () => {
    await using _house = await openHouse()
    setManifest({ slug: 'acme', version: '1.0.0' })
    const konnector = await prepared()
    const data = { doctypeVersion: 3 }
    const metadata = konnector.getCozyMetadata(data)
    assert.deepEqual([metadata.sourceAccount, metadata.doctypeVersion, metadata.createdByApp], ['acc1', 3, 'acme'])
    assert.deepEqual(data, { doctypeVersion: 3, sourceAccount: 'acc1' })
  })
})
