import { type Draft, draft } from './draft.ts'
import type { World } from './world.ts'

/** Bytes: nearly the most a JSON body may have. */
const MOST = 15.9e6

const many = (item: string, bytes = MOST) =>
  Array(Math.floor(bytes / (item.length + 1)))
    .fill(item)
    .join(',')
const numbered = (count: number, item: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => item(n)).join(',')
const T = '/data/io.cozy.tests'

/** Bodies as large as they may be, of very many very small things: each has to be refused, or done, in reasonable time. */
export function giants({ files, permission }: World): { what: string; draft: Draft }[] {
  const [file = ''] = files
  const bodies: [method: string, path: string, json: string, query?: [string, string][]][] = [
    ['POST', `${T}/_bulk_docs`, `{"docs":[${many('{}')}]}`],
    ['POST', `${T}/_bulk_docs`, `{"docs":[${many('{"_id":"same"}', 100_000)}]}`],
    [
      'POST',
      `${T}/_bulk_docs`,
      `{"new_edits":false,"docs":[${numbered(3000, n => `{"_id":"tree","_rev":"1-${n.toString(16)}"}`)}]}`,
    ],
    [
      'POST',
      `${T}/_bulk_docs`,
      `{"new_edits":false,"docs":[{"_id":"x","_rev":"500000-a","_revisions":{"start":500000,"ids":[${many('"a"', 2e6)}]}}]}`,
    ],
    ['POST', `${T}/_bulk_get`, `{"docs":[${many('{"id":"a"}')}]}`],
    ['POST', `${T}/_revs_diff`, `{"a":[${numbered(500_000, n => `"${n}-a"`)}]}`],
    ['POST', `${T}/_revs_diff`, `{${numbered(300_000, n => `"${n}":["1-a"]`)}}`],
    ['POST', `${T}/_all_docs`, `{"keys":[${many('"doc-1"')}]}`, [['include_docs', 'true']]],
    ['POST', `${T}/_changes`, `{"doc_ids":[${many('"a"')}]}`, [['filter', '_doc_ids']]],
    ['POST', `${T}/_find`, `{"selector":{"a":{"$in":[${many('1')}]}}}`],
    ['POST', `${T}/_find`, `{"selector":{"$or":[${many('{"a":1}', 1e6)}]}}`],
    ['POST', `${T}/_find`, `{"selector":{"text":{"$regex":"${'(a|b)'.repeat(100_000)}"}}}`],
    ['POST', `${T}/_find`, `{"selector":{"a":1},"fields":[${many('"a"', 2e6)}],"sort":[${many('"a"', 2e6)}]}`],
    ['POST', `${T}/_index`, `{"index":{"fields":[${numbered(100_000, n => `"f${n}"`)}]}}`],
    [
      'POST',
      `${T}/doc-1/relationships/references`,
      `{"data":[${many(`{"type":"io.cozy.files","id":"${file}"}`, 8e6)}]}`,
    ],
    ['POST', '/files/_all_docs', `{"keys":[${many(`"${file}"`)}]}`],
    ['POST', '/files/archive', `{"data":{"attributes":{"name":"a","ids":[${many(`"${file}"`, 8e6)}]}}}`],
    ['PATCH', '/files/', `{"data":[${many('{"type":"io.cozy.files","id":"none","attributes":{"tags":["a"]}}')}]}`],
    ['PATCH', `/files/${file}`, `{"data":{"attributes":{"tags":[${many('"a"', 15e6)}]}}}`],
    ['PATCH', `/files/${file}`, `{"data":{"attributes":{"metadata":{"a":"${'x'.repeat(15e6)}"}}}}`],
    [
      'POST',
      `/files/${file}/relationships/referenced_by`,
      `{"data":[${numbered(200_000, n => `{"type":"t","id":"${n}"}`)}]}`,
    ],
    [
      'POST',
      '/files/upload/metadata',
      `{"data":{"type":"io.cozy.files.metadata","attributes":{"a":"${'x'.repeat(15e6)}"}}}`,
    ],
    ['POST', '/permissions/exists', `{"data":[${many('{"type":"io.cozy.files","id":"a"}')}]}`],
    [
      'PATCH',
      `/permissions/${permission}`,
      `{"data":{"attributes":{"permissions":{${numbered(200_000, n => `"r${n}":{"type":"io.cozy.files"}`)}}}}}`,
    ],
    ['PUT', `${T}/_local/big`, `{"a":"${'x'.repeat(MOST)}"}`],
    ['POST', '/realtime/io.cozy.tests/a', `{"a":"${'x'.repeat(MOST)}"}`],
    ['PUT', '/settings/instance', `{"data":{"attributes":{"x":"${'x'.repeat(15e6)}"}}}`],
    ['POST', `${T}/`, `{"a":"${'x'.repeat(2 * MOST)}"}`],
  ]
  return bodies.map(([method, path, json, query = []]) => ({
    what: `${method} ${path} ${json.slice(0, 60)}…`,
    draft: draft(method, path, { body: Buffer.from(json), query, headers: [['content-type', 'application/json']] }),
  }))
}
