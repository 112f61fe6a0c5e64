import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JsonFileError, parseJsonWithComments } from '../src/index.ts'

test('comments, trailing commas and a byte order mark are accepted', () => {
  const text = `\uFEFF// credentials
  {
    /* a
       block */ "login": "me", // mine
    "url": "http://not/*a*/comment", "list": [1, -2.5e3, true, null,], "nested": {"a": "\\u00e9\\n",},
  } // end`
  assert.deepEqual(parseJsonWithComments(text, 'c.json'), {
    login: 'me',
    url: 'http://not/*a*/comment',
    list: [1, -2500, true, null],
    nested: { a: 'é\n' },
  })
})

test('"__proto__" is a name like any other', () => {
  const value = parseJsonWithComments('{"__proto__": {"polluted": true}, /* */ }', 'c.json') as object
  assert.deepEqual(Object.keys(value), ['__proto__'])
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

const wrong: [string, string, number, number, RegExp][] = [
  ['a missing comma', '{\n  "a": 1\n  "b": 2\n}', 3, 3, /comma or a closing brace/],
  ['a missing colon', '{"a" 1}', 1, 6, /colon/],
  ['a bare name', '{\n  a: 1}', 2, 3, /double quotes/],
  ['an early end', '{"a": [1, 2', 1, 12, /comma or a closing bracket/],
  ['nothing', '  ', 1, 3, /ends too early/],
  ['an open text', '{"a": "abc\n}', 1, 7, /not closed/],
  ['a bad escape', '{"a": "\\x"}', 1, 7, /escape/],
  ['an open comment', '{} /* x', 1, 4, /comment is not closed/],
  ['something after', '{} {}', 1, 4, /follows the end/],
  ['a bad value', '[1, nope]', 1, 5, /value was expected/],
]
for (const [name, text, line, column, message] of wrong) {
  test(`${name} is refused with its place, and nothing of the content`, () => {
    assert.throws(
      () => parseJsonWithComments(text, 'dir/c.json'),
      (error: unknown) => {
        assert(error instanceof JsonFileError)
        assert.deepEqual([error.file, error.line, error.column], ['dir/c.json', line, column])
        assert.match(error.message, /^dir\/c\.json is not valid JSON/)
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /abc|nope/)
        return true
      },
    )
  })
}
