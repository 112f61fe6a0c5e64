import { escapeText } from '#ground/documents/unstorable-text'
import { badArgument, mangoError } from './errors.ts'

/** Longer patterns are lists of words that `$in` says better, and take long to compile. */
const MAX_LENGTH = 1000
/** PostgreSQL's limit of a counted repetition. */
const MAX_REPETITION = 255

/** Escapes that mean the same to PCRE (CouchDB's), JavaScript and PostgreSQL. */
const SAME_ESCAPES = 'dDwWsSntrfv'
/** Escapes that PostgreSQL spells otherwise; its `\b` is a backspace. */
const OTHER_ESCAPES: Record<string, string> = { b: '\\y', B: '\\Y', A: '\\A', Z: '\\Z', z: '\\Z' }
const QUANTIFIER = /\{(\d+)(,(\d*))?\}/y
const GROUP_START = /\((\?(?:[:=!]|<[=!]|P?<[A-Za-z_]\w*>))?/y
const HEX = /x\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})/y
const CLASS_NAME = /\[:\^?(?:alpha|digit|alnum|upper|lower|space|blank|punct|print|graph|cntrl|xdigit):\]/y

/**
 * A `$regex` as PostgreSQL's advanced regular expressions write it. Those are matched by an automaton, so that nested
 * repetitions take no exponential time; what does take long (back references) ends with the statement. Compared as `C`: classes
 * and `(?i)` know ASCII only, as upstream, and the same on every server.
 *
 * @throws CouchError 400 `bad_arg` for a broken pattern, and for one that PostgreSQL has no words for
 */
export function translateRegex(source: string): string {
  const refuse = (why: string) => mangoError('bad_arg', `${badArgument('$regex', source).reason} (${why})`)
  if (source.length > MAX_LENGTH) throw refuse(`longer than ${MAX_LENGTH} characters`)
  const flags = /^\(\?([a-zA-Z]+)\)/.exec(source)
  for (const flag of flags?.[1] ?? '') if (!'ims'.includes(flag)) throw refuse(`the flag ${flag} is not supported`)
  const dotMatchesAll = flags?.[1]?.includes('s') ?? false
  // `w`: ^ and $ at line ends too, and only those.
  const options = `${flags?.[1]?.includes('i') ? 'i' : ''}${flags?.[1]?.includes('m') ? 'w' : ''}`

  let at = flags?.[0].length ?? 0
  let out = ''
  let groups = 0
  /** Of each open group, whether it looks around and so cannot be repeated. */
  const open: boolean[] = []
  /** Whether something stands before that can be repeated. */
  let repeatable = false

  const match = (pattern: RegExp) => {
    pattern.lastIndex = at
    const found = pattern.exec(source)
    if (found) at = pattern.lastIndex
    return found
  }
  const literal = (char: string) => (/[\\^$.[\]|()*+?{}]/.test(char) ? `\\${char}` : escapeText(char))
  const hexEscape = () => {
    const found = match(HEX)
    if (!found) return undefined
    const code = Number.parseInt((found[1] ?? found[2] ?? found[3])!, 16)
    if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw refuse('no such character')
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  }

  const readEscape = (inSet: boolean): string => {
    const hex = hexEscape()
    if (hex) return hex
    const char = source[at++]
    if (char === undefined) throw refuse('it ends in the middle of an escape')
    if (SAME_ESCAPES.includes(char)) return `\\${char}`
    if (inSet && char === 'b') return '\\b'
    if (!inSet && OTHER_ESCAPES[char]) return OTHER_ESCAPES[char]
    if (!inSet && /[1-9]/.test(char)) {
      if (Number(char) > groups || /\d/.test(source[at] ?? '')) throw refuse(`there is no group ${char}`)
      return `(?:\\${char})`
    }
    if (/[A-Za-z0-9]/.test(char)) throw refuse(`\\${char} is not supported`)
    return inSet ? `\\${char}` : literal(char)
  }

  const readSet = (): string => {
    let set = '['
    if (source[at] === '^') {
      set += '^'
      at++
    }
    for (let first = true; ; first = false) {
      const char = source[at]
      if (char === undefined) throw refuse('a set is not closed')
      const name = char === '[' ? match(CLASS_NAME)?.[0] : undefined
      if (name) set += name
      else if (char === ']' && !first) break
      else {
        at++
        if (char === '\\') set += readEscape(true)
        // A dash beside a class or an end is itself; in between it makes a range.
        else if (char === '-') set += isRange(source, at, set, first) ? '-' : '\\-'
        else if ('[]^\\'.includes(char)) set += `\\${char}`
        else set += escapeText(char)
      }
    }
    at++
    return `${set}]`
  }

  const repeat = (quantifier: string) => {
    if (!repeatable) throw refuse('nothing to repeat')
    if (source[at] === '?') {
      quantifier += '?'
      at++
    } else if (source[at] === '+') throw refuse('possessive quantifiers are not supported')
    out += quantifier
    repeatable = false
  }

  while (at < source.length) {
    const char = source[at]!
    if (char === '(') {
      const group = match(GROUP_START)!
      if (source[at] === '?' || source[at] === '*') throw refuse('this kind of group is not supported')
      const named = group[1]?.endsWith('>')
      out += named ? '(' : group[0]
      if (named || !group[1]) groups++
      open.push(/[=!]$/.test(group[0]))
      repeatable = false
      continue
    }
    const quantifier = char === '{' ? match(QUANTIFIER) : null
    if (quantifier) {
      const [text, low, range, high] = quantifier
      if (Math.max(Number(low), Number(high ?? 0)) > MAX_REPETITION)
        throw refuse(`more than ${MAX_REPETITION} repetitions`)
      if (range && high && Number(high) < Number(low)) throw refuse('a quantifier out of order')
      repeat(text)
      continue
    }
    at++
    if (char === '*' || char === '+' || char === '?') {
      repeat(char)
      continue
    }
    repeatable = true
    if (char === '\\') {
      const escaped = readEscape(false)
      repeatable = !['\\y', '\\Y', '\\A', '\\Z'].includes(escaped)
      out += escaped
    } else if (char === '[') out += readSet()
    else if (char === '.') out += dotMatchesAll ? '.' : '[^\\n]'
    else if (char === ')') {
      const looks = open.pop()
      if (looks === undefined) throw refuse('a closing parenthesis too many')
      repeatable = !looks
      out += char
    } else if (char === '|' || char === '^' || char === '$') {
      out += char
      repeatable = false
    } else {
      const whole = String.fromCodePoint(source.codePointAt(at - 1)!)
      at += whole.length - 1
      const text = literal(whole)
      // What the document store writes for one character may be several.
      out += text.length > 2 ? `(?:${text})` : text
    }
  }
  if (open.length > 0) throw refuse('a group is not closed')
  // Always there: a pattern that begins with `***` or `(?` of its own would be read as a director.
  return `(?${options || 's'})${out}`
}

function isRange(source: string, at: number, set: string, first: boolean): boolean {
  if (first || set === '[^' || source[at] === ']') return false
  const before = /(\\[dDwWsS]|:\])$/.test(set)
  const after = /^(\\[dDwWsS]|\[:)/.test(source.slice(at, at + 2))
  return !before && !after
}
