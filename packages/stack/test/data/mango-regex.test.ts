import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createTestDatabase, type TestDatabase } from '../../src/ground/database/testing.ts'
import { translateRegex } from '../../src/rooms/data/mango/regex.ts'

let database: TestDatabase
before(async () => {
  database = await createTestDatabase({ migrations: [] })
})
after(() => database[Symbol.asyncDispose]())

const matches = async (pattern: string, texts: string[]): Promise<string[]> => {
  const { rows } = await database.driver.query<{ text: string }>(
    'select text from unnest($1::text[]) as text where text collate "C" ~ $2',
    [texts, translateRegex(pattern)],
  )
  return rows.map(({ text }) => text)
}

describe('$regex', () => {
  const TEXTS = [
    '',
    'a',
    'A',
    'abc',
    'aXc',
    'a\nc',
    'a.c',
    'a b',
    'facture-2024.pdf',
    'Facture_12.PDF',
    '12,50 €',
    'é',
    'b{2}',
    'a]b',
    '[x]',
    'x-y',
    'tab\there',
    'line\nnext',
    'aa',
    'abab',
    '🙂',
    '\\d',
    'foo_bar',
    '***a',
  ]
  // Each is the same to JavaScript, which stands for PCRE here.
  const PATTERNS = [
    'a',
    '^a',
    'c$',
    '^a.c$',
    '^a\\.c$',
    'a\\sb',
    '\\d+',
    '\\D',
    '\\w+-\\w+',
    '^\\W',
    '\\bnext\\b',
    'b\\B',
    '^facture',
    '[abc]{2,}',
    '^(ab)+$',
    '^(a)\\1$',
    '(?:a|b)c?$',
    '[^a-z]',
    '[\\d.]+',
    '[\\w-]',
    '[a\\-b]',
    '[.\\]]',
    '[x[]',
    'b\\{2\\}',
    'b{',
    'a]',
    '^$',
    '(?=a)a',
    '(?!a)b',
    '(?<=a)b',
    '(?<!a)c',
    'a+?',
    'a*?b',
    '\\x61',
    '\\u0041',
    '\\t',
    '\\n',
    '^\\\\d$',
    '€|é',
    '🙂',
    '\\/?x',
    '[\\s\\S]c',
    '(?<name>a)b',
    '\\.(pdf|PDF)$',
    '^.{2,3}$',
    '\\*\\*\\*',
    'a{2}',
    '[é]',
  ]
  for (const pattern of PATTERNS) {
    it(pattern, async () => {
      // By characters, where the pattern counts them.
      const expected = new RegExp(pattern, pattern === '^.{2,3}$' ? 'u' : '')
      assert.deepEqual(
        await matches(pattern, TEXTS),
        TEXTS.filter(text => expected.test(text)),
      )
    })
  }

  const FLAGS: [pattern: string, same: RegExp][] = [
    ['(?i)^FACTURE', /^FACTURE/i],
    ['(?s)a.c', /a.c/s],
    ['(?m)^next$', /^next$/m],
    ['(?im)^NEXT', /^NEXT/im],
    ['(?i)a.c', /a.c/i],
    ['(?m)a.c', /a.c/m],
    ['[[:digit:]]+', /\d/],
    ['[[:alpha:]_]{4}', /[a-zA-Z_]{4}/],
    ['(?P<n>a)b', /ab/],
    ['\\Aa', /^a/],
    ['c\\z', /c$/],
    ['\\x{1F642}', /🙂/],
    ['[]x]', /[\]x]/],
  ]
  for (const [pattern, same] of FLAGS) {
    it(`${pattern} as ${same}`, async () => {
      assert.deepEqual(
        await matches(pattern, TEXTS),
        TEXTS.filter(text => same.test(text)),
      )
    })
  }

  const REFUSED = [
    '(',
    ')',
    'a)',
    '[a',
    '*a',
    'a**',
    'a++',
    '(?>a)',
    '(*COMMIT)',
    '\\p{L}',
    '\\Q',
    'a\\',
    '(a)\\2',
    '\\1(a)',
    '(?x)a',
    'a(?i)b',
    'a{1,999}',
    'a{3,2}',
    '^*',
    '\\x00',
    '\\0',
    '\\k<n>',
    '(?#c)',
    '|*',
    '(?R)',
    'x'.repeat(1001),
  ]
  for (const pattern of REFUSED) {
    it(`refuses ${pattern.slice(0, 20)}`, () => {
      assert.throws(() => translateRegex(pattern), { status: 400, error: 'bad_arg', message: /\$regex/ })
    })
  }

  it('is not slow where backtracking would be', async () => {
    const started = performance.now()
    const text = `${'a'.repeat(5000)}!`
    assert.deepEqual(await matches('^(a+)+$', [text]), [])
    assert.deepEqual(await matches('^(a|aa)+$', [text]), [])
    assert.deepEqual(await matches('(x+x+)+y', ['x'.repeat(5000)]), [])
    // Backtracking would take longer than the universe is old; the limit is only there to fail at all.
    assert.ok(performance.now() - started < 60_000)
  })

  it('what it lets through, the database takes', async () => {
    const pieces = [
      'a',
      '\\d',
      '[^b]',
      '(',
      ')',
      '|',
      '*',
      '+',
      '?',
      '{2}',
      '{1,}',
      '^',
      '$',
      '.',
      '[',
      ']',
      '-',
      '\\',
      '(?:',
      '(?=',
      '(?!',
      '(?<=',
      'é',
      '(?i)',
      ',',
      '1',
      '}',
      '{',
    ]
    let seed = 7
    const next = (below: number) => {
      seed = (seed * 48271) % 2147483647
      return seed % below
    }
    let accepted = 0
    for (let round = 0; round < 4000; round++) {
      const pattern = Array.from({ length: 1 + next(7) }, () => pieces[next(pieces.length)]).join('')
      let translated: string
      try {
        translated = translateRegex(pattern)
      } catch {
        continue
      }
      accepted++
      await database.driver.query('select $1 ~ $2', ['ab1', translated]).catch(error => {
        assert.fail(`${pattern} → ${translated}: ${error.message}`)
      })
    }
    assert.ok(accepted > 500, `${accepted} accepted`)
  })
})
