import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import {
  addFilter,
  forgetSecrets,
  log,
  maskSecrets,
  namespace,
  registerSecret,
  registerSecretFields,
  Secret,
  setLevel,
  setNoRetry,
} from '../../src/log.ts'

const lines: string[] = []
const env = { ...process.env }

beforeEach(() => {
  lines.length = 0
  mock.method(console, 'log', (line: string) => lines.push(line))
  for (const name of ['NODE_ENV', 'LOG_LEVEL', 'FORCE_COLOR', 'NO_COLOR']) delete process.env[name]
})
afterEach(() => {
  mock.restoreAll()
  forgetSecrets()
  process.env = { ...env }
})

const last = () => JSON.parse(lines.at(-1) ?? '{}')

describe('log in production', () => {
  it('writes one JSON line with its keys in order', () => {
    log('info', 'hello', 'greeting')
    assert.deepEqual(Object.keys(last()), ['time', 'type', 'label', 'namespace', 'message'])
    const { time, ...line } = last()
    assert.deepEqual(line, { type: 'info', label: 'greeting', namespace: 'cozy-konnector-libs', message: 'hello' })
    assert.equal(new Date(time).toISOString(), time)
  })

  it('has no label key without label, and takes a namespace', () => {
    log('warn', 'x', undefined, 'mine')
    assert.deepEqual(Object.keys(last()), ['time', 'type', 'namespace', 'message'])
    assert.equal(last().namespace, 'mine')
    namespace('other').ok('fine', 'l')
    assert.deepEqual([last().namespace, last().type, last().label], ['other', 'ok', 'l'])
  })

  it('of an object keeps its message and no_retry alone', () => {
    log('error', new Error('broken'))
    assert.equal(last().message, 'broken')
    log('critical', { message: 'LOGIN_FAILED', no_retry: true, extra: 1 })
    assert.deepEqual(Object.keys(last()), ['time', 'type', 'namespace', 'no_retry', 'message'])
    for (const message of [{ a: 1 }, [1], null, undefined]) {
      log('info', message)
      assert.equal('message' in last(), false)
    }
  })

  it('is a bare function; NODE_ENV none and production are production', () => {
    assert.deepEqual(Object.keys(log), [])
    for (const mode of ['none', 'production']) {
      process.env.NODE_ENV = mode
      log('info', mode)
      assert.equal(last().message, mode)
    }
  })

  it('makes a text of a number, because servers read only texts', () => {
    log('info', 12)
    assert.equal(last().message, '12')
  })

  it('never writes a line over 64 KiB, and cuts it so that it stays JSON', () => {
    for (const text of ['x'.repeat(200_000), 'é'.repeat(100_000), '"\n'.repeat(100_000), '\u0001'.repeat(50_000)]) {
      log('info', text)
      assert.ok(Buffer.byteLength(lines.at(-1) ?? '') <= 65535)
      assert.ok(Buffer.byteLength(lines.at(-1) ?? '') > 60_000)
      assert.ok(text.startsWith(last().message))
    }
  })
})

describe('levels', () => {
  it('under LOG_LEVEL are not shown', () => {
    process.env.LOG_LEVEL = 'warn'
    for (const type of ['secret', 'debug', 'info', 'warn', 'error', 'ok', 'critical']) log(type, type)
    assert.deepEqual(
      lines.map(line => JSON.parse(line).type),
      ['warn', 'error', 'ok', 'critical'],
    )
  })

  it('secret is not shown by default', () => {
    log('secret', 'x')
    assert.deepEqual(lines, [])
    process.env.LOG_LEVEL = 'secret'
    log('secret', 'x')
    assert.equal(lines.length, 1)
  })

  it('a mistyped LOG_LEVEL hides nothing', () => {
    process.env.LOG_LEVEL = 'wran'
    log('debug', 'x')
    assert.equal(lines.length, 1)
  })

  it('by other names found in konnectors are shown, and none of them makes a job fail', () => {
    const shown: Record<string, string> = {
      warning: 'warn',
      err: 'warn',
      Error: 'warn',
      ERROR: 'warn',
      DEBUG: 'debug',
      Info: 'info',
    }
    for (const [name, type] of Object.entries(shown)) {
      log(name, 'x')
      assert.equal(last().type, type, name)
      assert.equal(last().message, 'x')
    }
  })

  it('unknown words are shown as info, as a label or as the forgotten message', () => {
    log('downloading', 'bill 3')
    assert.deepEqual([last().type, last().label, last().message], ['info', 'downloading', 'bill 3'])
    log('something happened')
    assert.deepEqual([last().type, last().message], ['info', 'something happened'])
  })

  it('are set by setLevel, over LOG_LEVEL', () => {
    setLevel('error')
    log('warn', 'x')
    assert.deepEqual(lines, [])
    setLevel('debug')
    log('debug', 'x')
    assert.equal(lines.length, 1)
    assert.throws(() => setLevel('nothing'), /Unknown log level nothing/)
  })
})

describe('log for people', () => {
  for (const mode of ['development', 'standalone', 'test']) {
    it(`is text when NODE_ENV is ${mode}`, () => {
      process.env.NODE_ENV = mode
      log('info', 'hello', 'greeting')
      assert.equal(lines[0], 'cozy-konnector-libs: info : "greeting"  : hello')
      log('info', { deep: { a: [1] } })
      assert.equal(lines[1], 'cozy-konnector-libs: info : { deep: { a: [ 1 ] } }')
    })
  }

  it('has colours only where they are wanted', () => {
    process.env.NODE_ENV = 'standalone'
    process.env.FORCE_COLOR = '1'
    log('error', 'x')
    assert.ok(lines[0]?.includes('\u001b[31merror\u001b[39m'))
    process.env.FORCE_COLOR = '0'
    log('error', 'x')
    assert.equal(lines[1], 'cozy-konnector-libs: error : x')
  })
})

describe('filters and marks', () => {
  it('a filter that returns false drops the line', () => {
    let dropping = true
    addFilter((_level, _type, message) => !(dropping && message === 'noise'))
    log('info', 'noise')
    log('info', 'signal')
    dropping = false
    assert.deepEqual(
      lines.map(line => JSON.parse(line).message),
      ['signal'],
    )
  })

  it('setNoRetry marks an error', () => {
    const error = new Error('LOGIN_FAILED')
    assert.equal(setNoRetry(error), true)
    log('critical', error)
    assert.equal(last().no_retry, true)
    assert.equal(setNoRetry('text'), false)
  })
})

describe('Secret', () => {
  it('is read as usual, and refuses to become text or an ordinary line', () => {
    const secret = new Secret({ auth: { login: 'me' } })
    assert.deepEqual({ ...secret }, { auth: { login: 'me' } })
    assert.throws(() => `${secret}`, /Cannot convert Secret to string/)
    assert.throws(() => log('info', secret), /You should log a secret with log.secret/)
    assert.equal(JSON.stringify(secret), '{"auth":{"login":"me"}}')
    setLevel('secret')
    log('secret', secret)
    setLevel('debug')
    assert.equal(lines.length, 1)
  })
})

describe('known secrets', () => {
  it('are masked in messages and labels, in every form they take', () => {
    const password = `p&ss "w'ord`
    registerSecret(password)
    registerSecret('s3cr3t-token')
    for (const text of [
      `sent ${password}!`,
      `?p=${encodeURIComponent(password)}&x`,
      `p=${new URLSearchParams({ p: password }).toString().slice(2)}`,
      JSON.stringify({ password }),
      Buffer.from(password).toString('base64'),
      'Bearer s3cr3t-token',
    ]) {
      log('info', text, text)
      for (const shown of [last().message, last().label]) {
        assert.ok(shown.includes('***'), text)
        assert.ok(!/\bw'ord|w%27ord|token|cCZz/.test(shown), shown)
      }
    }
    process.env.NODE_ENV = 'standalone'
    log('info', { fields: { password } })
    assert.equal(lines.at(-1), `cozy-konnector-libs: info : { fields: { password: \`***\` } }`)
  })

  it('of a few characters are masked as whole words', () => {
    registerSecret('12')
    assert.equal(maskSecrets('code 12 of 1234, 12.5'), 'code *** of 1234, ***.5')
  })

  it('that hold another one are masked whole', () => {
    registerSecret('abcd')
    registerSecret('abcdefgh')
    assert.equal(maskSecrets('abcdefgh abcd'), '*** ***')
  })

  it('with regular expression characters, or beyond ASCII, are no trouble', () => {
    registerSecret('a.b*c-(d)/é😀')
    assert.equal(maskSecrets('x a.b*c-(d)/é😀 y a-b-c'), 'x *** y a-b-c')
  })

  it('of an account are found by declaration and by name, and the rest stays readable', () => {
    registerSecretFields(
      {
        login: 'me@mail.net',
        password: 'hunter22',
        memo: 'blue-sky',
        birth: '1970',
        nested: { access_token: 'tok-tok', token_type: 'bearer' },
      },
      { memo: { type: 'password' } },
    )
    assert.equal(
      maskSecrets('me@mail.net hunter22 blue-sky 1970 tok-tok bearer'),
      'me@mail.net *** *** 1970 *** bearer',
    )
  })
})
