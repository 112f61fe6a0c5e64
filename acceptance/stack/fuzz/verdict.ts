import type { Outcome } from '../help/wire.ts'
import { SECRET } from './world.ts'

/** Every request gets its answer in this time, in milliseconds. */
export const PATIENCE = 5000

/** Traces, file names, statements and messages of the database: the inside of the server. */
const INSIDE = [
  /\n\s+at \S.*:\d+:\d+/,
  /\bat (?:async )?[\w.<>]+ \((?:file|node):/,
  /file:\/\/\/(?!etc\/passwd)|node_modules|packages\/stack|\/work\/main/,
  /\b(?:select|insert into|update|delete from)\s[\s\S]{1,200}\b(?:from|values|set|where)\s[\s\S]*\$\d/i,
  /syntax error at or near|violates .* constraint|duplicate key value|invalid input syntax|invalid byte sequence|unsupported Unicode escape|relation ".*" does not exist|out of range for type/,
  /\b(?:TypeError|RangeError|SyntaxError|ReferenceError|ZodError|URIError)\b/,
  /Cannot read propert|is not a function|is not iterable|Unexpected token/,
]

export interface Expected {
  /** The server has all it needs to answer. */
  complete: boolean
  /** It may close without a word: what came was broken, or it refused while more was coming. */
  mayClose: boolean
  /** Milliseconds. */
  patience?: number
}

/** What is wrong with what came back; undefined when nothing is. */
export function wrongWith(outcome: Outcome, { complete, mayClose, patience = PATIENCE }: Expected): string | undefined {
  if (outcome.kind === 'refused') return `the port took no connection: ${outcome.reason}`
  const text = outcome.all.toString('latin1')
  if (text.includes(SECRET)) return 'the answer tells what no token of the fuzz may read'
  if (outcome.kind === 'silent') return complete ? `no answer within ${patience} ms` : fatal(text)
  if (outcome.kind === 'closed') return complete && !mayClose ? 'closed without an answer' : undefined
  const { status, body } = outcome.answer
  if (status >= 500 && !isStated(status, body)) return `${status} ${body.toString('utf8').slice(0, 300)}`
  if (outcome.ms > patience) return `answered after ${Math.round(outcome.ms)} ms`
  const inside = INSIDE.find(pattern => pattern.test(text))
  return inside ? `shows its inside (${inside.source.slice(0, 40)}…): ${text.slice(-400)}` : undefined
}

/** Of pipelined requests only the first answer is taken apart. */
const fatal = (text: string) => (/^HTTP\/1\.1 5(?!01|03)/m.test(text) ? `a 5xx: ${text.slice(0, 300)}` : undefined)

/** 501 for what this server does not do, 503 of a blocked instance (`protocol/conventions.md` §2). */
function isStated(status: number, body: Buffer): boolean {
  return status === 501 || (status === 503 && !/database/i.test(body.toString('utf8')))
}
