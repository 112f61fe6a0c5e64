import { CouchError } from '#ground/http/errors'

/** The 400s of Mango, in CouchDB's manner: a name for programs, a sentence for people. */
export const mangoError = (error: string, reason: string): CouchError => new CouchError(400, error, reason)

export const badArgument = (operator: string, argument: unknown): CouchError =>
  mangoError('bad_arg', `Bad argument for operator ${operator}: ${brief(argument)}`)

/** A value in a sentence, cut. */
export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
