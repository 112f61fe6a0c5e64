import type { Random } from './random.ts'

/** JSON text that `JSON.stringify` would not write. */
export class RawJson {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Writes a value with its raw parts as they are. */
export function writeJson(value: unknown): string {
  const raw: string[] = []
  const text = JSON.stringify(value, (_key, item) =>
    item instanceof RawJson ? `\u{1F9EA}${raw.push(item.text) - 1}\u{1F9EA}` : item,
  )
  return (text ?? 'null').replace(/"\u{1F9EA}(\d+)\u{1F9EA}"/gu, (_all, index) => raw[Number(index)]!)
}

const nested = (open: string, close: string, depth: number, inner = '') =>
  new RawJson(open.repeat(depth) + inner + close.repeat(depth))

/** Texts that have broken programs before. */
export const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '.',
  '..',
  '../../../../etc/passwd',
  '..\\..\\windows',
  '/',
  '//',
  '/a//b/../c',
  'a/b',
  "'",
  "' or 1=1 --",
  '"; $$; \\',
  '%s%n%x',
  '%00',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what others interpolate
  '${7*7}',
  '{{7*7}}',
  '<script>alert(1)</script>',
  'a\r\nX-Injected: yes',
  '\u202egpj.exe',
  '\ufeff',
  '\ufffe',
  '😀'.repeat(100),
  'é́́́́́'.repeat(50),
  'ﬃ',
  'İ',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'true',
  'NaN',
  'Infinity',
  '-Infinity',
  '-1',
  '0',
  '00',
  '1e5',
  '0x10',
  '1.5',
  '99999999999999999999999999',
  '-99999999999999999999999999',
  '9223372036854775807',
  '9223372036854775808',
  '2147483648',
  '٣',
  '*',
  'io.cozy.*',
  'io.cozy.files.root-dir',
  'io.cozy.files.trash-dir',
  '_design/x',
  '_local/x',
  '$gt',
  '1-',
  '-1-abc',
  '1-00000000000000000000000000000000',
  '99999999999999999999-abc',
  '0001-01-01T00:00:00Z',
  '2026-13-45T99:99:99Z',
  '+275760-09-13T00:00:00.001Z',
  '-271821-04-19T23:59:59.999Z',
  '2026-01-01T00:00:00+99:99',
  'Thu, 32 Foo 20266 25:61:61 GMT',
  'http://169.254.169.254/',
  'javascript:alert(1)',
  'file:///etc/passwd',
  'http://[::1',
  'a'.repeat(300),
  'a'.repeat(10_000),
  'ü'.repeat(700),
  ' trailing ',
  'trailing.',
  'CON',
  'nul\u0000.txt',
  'a\tb\nc',
] as const

/** Values of every type for a place that expects another. */
export function oddValue(random: Random): unknown {
  return random.pick<() => unknown>([
    () => random.pick(ODD_TEXTS),
    () => random.pick(ODD_TEXTS),
    () => random.pick([null, true, false]),
    () =>
      random.pick([
        0,
        -1,
        1.5,
        -0,
        1e308,
        5e-324,
        2 ** 31,
        2 ** 32,
        2 ** 53,
        2 ** 63,
        -(2 ** 63),
        1e21,
        101,
        1001,
        1e9,
      ]),
    () =>
      random.pick(
        ['1e999', '-1e999', '1E400', `1${'0'.repeat(400)}`, '-0.0', `0.${'1'.repeat(400)}`].map(
          text => new RawJson(text),
        ),
      ),
    () =>
      random.pick(
        ['"\\ud800"', '"\\udc00\\ud800"', '"a\\ud83d"', '"\\u0000"', '"\\uDBFF\\uDBFF"'].map(text => new RawJson(text)),
      ),
    () => random.pick([[], {}, [[]], [null], [{}], { a: 1 }, [1, 'a', null], { '': '' }]),
    () => new RawJson('{"__proto__":{"polluted":true,"isAdmin":true}}'),
    () => ({ constructor: { prototype: { polluted: true } } }),
    () => nested('[', ']', random.pick([50, 200, 255, 257, 3000])),
    () => nested('{"a":', '}', random.pick([50, 200, 255, 257, 3000]), '1'),
    () => nested('{"$not":', '}', random.pick([50, 200, 250]), '{"a":1}'),
    () => Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`k${n}`, n])),
    () => Array.from({ length: 3000 }, (_, n) => n),
    () => new RawJson('{"a":1,"a":2,"a":3}'),
    () => 'x'.repeat(random.pick([1024, 70_000, 300_000])),
    () => ({ [random.pick(ODD_TEXTS)]: random.pick(ODD_TEXTS) }),
  ])()
}

/** Path segments as they stand on the wire. */
export const ODD_SEGMENTS = [
  '',
  '.',
  '..',
  '...',
  '%2e',
  '%2e%2e',
  '%252e%252e',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%2F',
  '%252F',
  '%2F%2F',
  'a%2Fb',
  'a%252Fb',
  '..%5c..%5c',
  '%00',
  'a%00b',
  'a%00',
  '%',
  '%zz',
  '%c3%28',
  '%ff%fe',
  '%ed%a0%80',
  '%ed%b0%80%ed%a0%80',
  '%f0%9f%98%80',
  '%e2%80%ae',
  '%0d%0aX-Injected:%20yes',
  '%20',
  '%20a%20',
  'a%20',
  'a.',
  '+',
  '_',
  '_design',
  '_design%2Fx',
  '_design%2F',
  '_local%2Fx',
  '_all_docs',
  '_changes',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  '-1',
  '0',
  '*',
  '%2A',
  ':id',
  '{id}',
  "'%20or%201=1--",
  '%27%3B%20drop%20table%20docs%3B--',
  'io.cozy.files.root-dir',
  'io.cozy.files.trash-dir',
  'io.cozy.files',
  'IO.COZY.FILES',
  'io.cozy..files',
  '.io.cozy',
  'io.cozy.sessions',
  'io.cozy.permissions',
  'io.cozy.settings.instance',
  `${'a'.repeat(62)}.${'b'.repeat(62)}.${'c'.repeat(200)}`,
  'a'.repeat(1024),
  'a'.repeat(1025),
  'a'.repeat(4095),
  'a'.repeat(10_000),
  '%C3%A9'.repeat(600),
  '%F0%9F%98%80'.repeat(256),
  '0196f0f0f0f0700080000000000000ff',
  '1-00000000000000000000000000000000',
  'a;b=c',
  'a,b',
  '~root',
  '$HOME',
  '%24%7B7*7%7D',
  '|id',
] as const

/** Query values as they stand on the wire. */
export const ODD_QUERY_VALUES = [
  ...ODD_TEXTS.filter(text => text.length < 4000).map(text => encodeURIComponent(text)),
  '%',
  '%zz',
  '%ff',
  '%ed%a0%80',
  '%5B',
  '%7B%22a%22%3A1%7D',
  '%5B%5B%5B%5B%5D%5D%5D%5D',
  '[]',
  '{}',
  '%22a%22',
  '%5B%22a%22%2C%22b%22%5D',
  'null',
  '%221e999%22',
  '1e999',
  '%5B'.repeat(300),
  'a'.repeat(8000),
] as const

/** Patterns that take a backtracking engine minutes, or that are none. */
const PATTERNS = [
  '(a+)+$',
  '^(a|a)*$',
  '((a*)*)*b',
  '(.*)*x',
  '(.*.*.*.*.*.*)*b',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(a?){60}a{60}',
  'a{1,1000000}',
  '(a{1000}){1000}',
  '(((a{100}){100}){100}){100}',
  '[',
  '(',
  ')',
  '*',
  '\\',
  '(?<n>a)\\k<n>',
  '(?=a)',
  '(?<=a)b',
  '(?i)a',
  '(?>a)',
  '\\1',
  '[[:alpha:]]',
  '[[:foo:]]',
  '\\p{L}+',
  '\\u{110000}',
  '\\x{ffffffff}',
  '[z-a]',
  'a**',
  '\u0000',
  '(a|b'.repeat(300),
  '('.repeat(2000),
  'x'.repeat(50_000),
  '.{0,255}.{0,255}.{0,255}$',
  '^(\\d+)*\\D$',
  '(\\w|\\s|.)+!$',
]

const OPERATORS = [
  '$eq', '$ne', '$lt', '$lte', '$gt', '$gte', '$exists', '$type', '$in', '$nin', '$size', '$mod', '$regex', '$beginsWith',
  '$and', '$or', '$nor', '$not', '$all', '$elemMatch', '$allMatch', '$keyMapMatch', '$where', '$text', '$', '$$', '$Eq',
] // biome-ignore format: a list to be read as one

const FIELDS = [
  'a',
  'text',
  'n',
  'list',
  'a.b',
  'a\\.b',
  'deep.er.est',
  '_id',
  '_rev',
  '_type',
  '',
  '.',
  '..',
  'a.',
  '.a',
  '$a',
  '__proto__',
  'x'.repeat(500),
  "a'b",
  'a"b',
  'list.0',
  '\u0000',
  'constructor.name',
]

const SHORT_TEXTS = ODD_TEXTS.filter(text => text.length < 400)

/** A Mango selector, sometimes a right one. */
export function oddSelector(random: Random, depth = 0): unknown {
  // What is large is so once: fifty of fifty long texts would be more than a string can hold.
  const value = () => (depth === 0 ? oddValue(random) : random.pick([null, true, 1, -1.5, [], {}, ...SHORT_TEXTS]))
  if (depth > 6) return random.chance(0.5) ? value() : { a: 1 }
  const inner = () => oddSelector(random, depth + 1 + random.int(3))
  return random.pick<() => unknown>([
    () => ({ [random.pick(FIELDS)]: { $regex: random.pick(PATTERNS) } }),
    () => ({ text: { $regex: random.pick(PATTERNS) } }),
    () => ({ [random.pick(FIELDS)]: { [random.pick(OPERATORS)]: value() } }),
    () => ({
      [random.pick(FIELDS)]: { [random.pick(OPERATORS)]: value(), [random.pick(OPERATORS)]: inner() },
    }),
    () => ({ [random.pick(OPERATORS)]: inner() }),
    () => ({
      [random.pick(['$and', '$or', '$nor'])]: Array.from(
        { length: random.pick(depth === 0 ? [0, 1, 3, 50] : [0, 1, 2]) },
        inner,
      ),
    }),
    () => ({ $not: inner() }),
    () => ({ [random.pick(FIELDS)]: { [random.pick(['$elemMatch', '$allMatch', '$keyMapMatch', '$not'])]: inner() } }),
    () => ({ [random.pick(FIELDS)]: value(), [random.pick(FIELDS)]: inner() }),
    () => ({ n: { $mod: random.pick([[0, 0], [2], [2, 1, 3], [1.5, 1], [-2, 1], [2 ** 53, 1], ['a', 'b'], 7]) } }),
    () => ({
      a: { $in: Array.from({ length: random.pick([0, 1, depth === 0 ? 2000 : 3]) }, () => random.pick(ODD_TEXTS)) },
    }),
    () =>
      Object.fromEntries(
        Array.from({ length: depth === 0 ? random.pick([300, 2000]) : 3 }, (_, n) => [`f${n}`, { $gt: null }]),
      ),
    () => new RawJson(`${'{"$and":['.repeat(random.pick([20, 100, 120]))}{"a":1}${']}'.repeat(100)}`),
    () => nested('{"a":', '}', random.pick([30, 120, 250]), '1'),
    () => nested('{"$not":', '}', random.pick([30, 120, 250]), '{"a":{"$gt":1}}'),
    () => ({ list: { $elemMatch: { $elemMatch: { $elemMatch: inner() } } } }),
  ])()
}
