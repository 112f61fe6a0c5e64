import type { Readable } from 'node:stream'

/** What a route gives back. Nothing in it is turned into JSON twice. */
export interface Answer {
  status: number
  headers: Record<string, string | string[]>
  /** A text is sent as it is (JSON already written, HTML); an object is written as JSON. */
  body: Buffer | Readable | string | object | undefined
}

const JSON_TYPE = 'application/json; charset=utf-8'
/** What the JSON:API families answer with. */
export const JSON_API_TYPE = 'application/vnd.api+json'

/** JSON as `application/json`. */
export const json = (body: object | string, status = 200, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': JSON_TYPE, ...headers },
  body: typeof body === 'string' ? JSON.stringify(body) : body,
})

/** Text that is JSON already: a document on its way from the database to the client is never taken apart. */
export const jsonText = (text: string, status = 200, type = JSON_TYPE): Answer => ({
  status,
  headers: { 'content-type': type },
  body: text,
})

/** A JSON:API document: `{data, meta?, links?, included?}`. */
export const jsonApi = (document: object, status = 200, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': JSON_API_TYPE, ...headers },
  body: document,
})

export const noContent = (headers: Record<string, string> = {}): Answer => ({ status: 204, headers, body: undefined })

export const page = (html: string, status = 200, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8', ...headers },
  body: html,
})

export const plainText = (text: string, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: text,
})

/** 303 unless said otherwise; `location` is sent as given. */
export const redirect = (location: string, status = 303, headers: Record<string, string | string[]> = {}): Answer => ({
  status,
  headers: { location, ...headers },
  body: undefined,
})

/** Bytes as they come; the caller gives all headers. */
export const bytes = (body: Readable | Buffer, headers: Record<string, string>, status = 200): Answer => ({
  status,
  headers,
  body,
})
