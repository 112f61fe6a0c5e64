import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Account } from '@konnectory/protocol'
import { createAccountHandle } from '../src/account.ts'
import { CookieJar, HttpError, NetworkError } from '../src/http/index.ts'
import { createLogger } from '../src/logger.ts'
import { createSession } from '../src/session.ts'
import { ACCOUNT, startStack, type TestStack } from './konnector-process.ts'

const PAGE = 'https://vendor.example/'
const read = (stack: TestStack) => stack.client.data.get<Account>('io.cozy.accounts', ACCOUNT)

/** One run's session on this stack. */
async function open(stack: TestStack) {
  const jar = new CookieJar()
  const lines: string[] = []
  const log = createLogger({ write: line => void lines.push(line), namespace: 'x', human: false })
  const session = createSession(createAccountHandle(stack.client, await read(stack), 'me'), jar, log)
  const calls: string[] = []
  const go = (test: () => boolean, cookie = 'sid=1') =>
    session.restoreOrLogin({
      test: () => {
        calls.push('test')
        return test()
      },
      login: () => {
        calls.push('login')
        jar.setCookie(cookie, PAGE)
      },
    })
  return { jar, session, calls, go, log, lines }
}

describe('a session', () => {
  test('is made by the first run and used by the second', async () => {
    await using stack = await startStack({})
    const first = await open(stack)
    assert.equal(await first.go(() => assert.fail('nothing to test')), 'logged-in')
    const second = await open(stack)
    assert.equal(await second.go(() => true), 'restored')
    assert.equal(second.jar.cookieHeader(PAGE), 'sid=1')
    assert.deepEqual([first.calls, second.calls], [['login'], ['test']])
  })

  test('keeps its cookies out of the log, new and restored ones', async () => {
    await using stack = await startStack({})
    const first = await open(stack)
    await first.go(() => true, 'sid=key-of-the-house')
    const second = await open(stack)
    await second.go(() => true)
    for (const { log, lines } of [first, second]) {
      log.info('set-cookie: sid=key-of-the-house; path=/')
      assert.equal(JSON.parse(lines.at(-1) as string).message, 'set-cookie: sid=***; path=/')
    }
  })

  test('that does not work any more is made again; a device cookie outlives it', async () => {
    await using stack = await startStack({})
    const first = await open(stack)
    await first.go(() => true, 'device=d')
    const second = await open(stack)
    assert.equal(await second.go(() => false, 'sid=2'), 'logged-in')
    assert.equal(second.jar.cookieHeader(PAGE), 'device=d; sid=2')
  })

  test('a 401 of the test means log in; a vendor that is down does not', async () => {
    await using stack = await startStack({})
    await (await open(stack)).go(() => true)
    const answer = (status: number) =>
      new HttpError({ status, method: 'GET', url: PAGE, headers: new Headers(), body: '' })
    const refused = await open(stack)
    const thrown = (error: Error) => () => {
      throw error
    }
    assert.equal(await refused.go(thrown(answer(401))), 'logged-in')
    for (const error of [answer(503), new NetworkError('GET', PAGE, 'ECONNREFUSED', 'refused')]) {
      const down = await open(stack)
      await assert.rejects(down.go(thrown(error)), error)
      assert.deepEqual(down.calls, ['test'])
    }
  })

  test('keeps what else is on the account', async () => {
    await using stack = await startStack({})
    await stack.client.data.updateAttributes('io.cozy.accounts', ACCOUNT, { data: { memory: 1, auth: { token: 't' } } })
    await (await open(stack)).go(() => true)
    const { data } = await read(stack)
    const { auth, ...rest } = data as { auth: Record<string, unknown> }
    assert.deepEqual([rest, auth.token, typeof auth.session], [{ memory: 1 }, 't', 'string'])
  })

  test('that cannot be read is no session', async () => {
    await using stack = await startStack({})
    await stack.client.data.updateAttributes('io.cozy.accounts', ACCOUNT, { data: { auth: { session: '{"bad"' } } })
    assert.equal(await (await open(stack)).go(() => true), 'logged-in')
  })

  test('is saved at the end when cookies changed, and only then', async () => {
    await using stack = await startStack({})
    await (await open(stack)).go(() => true)
    const events = stack.events.length
    const run = await open(stack)
    await run.go(() => true)
    await run.session.finish()
    assert.equal(stack.events.length, events)
    run.jar.setCookie('fresh=1', PAGE)
    await run.session.finish()
    const next = await open(stack)
    await next.session.restore()
    assert.equal(next.jar.cookieHeader(PAGE), 'sid=1; fresh=1')
  })

  test('of a run without an account lives in memory', async () => {
    await using stack = await startStack({})
    const jar = new CookieJar()
    const log = createLogger({ write() {}, namespace: 'x', human: false })
    const session = createSession(createAccountHandle(stack.client, {}, undefined), jar, log)
    assert.equal(
      await session.restoreOrLogin({ test: () => true, login: () => jar.setCookie('a=1', PAGE) }),
      'logged-in',
    )
  })
})
