import { type Draft, setHeader } from './draft.ts'
import type { Random } from './random.ts'
import { ODD_QUERY_VALUES, ODD_SEGMENTS, ODD_TEXTS, oddSelector, oddValue, RawJson } from './values.ts'
import type { World } from './world.ts'

export type Mutation = (to: Draft, random: Random, world: World) => void

/** Chooses what to do to a request, once to three times; each with a seed, so that one of them can be done alone. */
export function chooseMutations(of: Draft, random: Random): { mutate: Mutation; seed: number }[] {
  const possible: Mutation[] = [path, path, query, query, headers, headers, token, token, method]
  if (of.json !== undefined) possible.push(member, member, member, member, member, member, text, text, framing)
  else if (of.body !== undefined) possible.push(text, text, framing, framing, headers)
  else possible.push(unexpectedBody)
  const times = random.pick([0, 1, 1, 1, 1, 2, 2, 3])
  return Array.from({ length: times }, () => ({ mutate: random.pick(possible), seed: random.seed() }))
}

const path: Mutation = (to, random) => {
  const at = random.int(to.segments.length)
  // The first segment chooses the route; without it there is little to reach.
  const index = at === 0 && random.chance(0.8) ? to.segments.length - 1 : at
  random.pick<() => void>([
    () => {
      to.segments[index] = random.pick(ODD_SEGMENTS)
    },
    () => {
      to.segments[index] = random.pick(ODD_SEGMENTS)
    },
    () => {
      to.segments[index] = random.pick(ODD_SEGMENTS)
    },
    () => void to.segments.splice(index, 0, random.pick(ODD_SEGMENTS)),
    () => void to.segments.push(random.pick(ODD_SEGMENTS)),
    () => {
      to.segments[index] += random.pick(['%00', '%2F', '%2e%2e', '/', ' ', '\u00ff', '%', ';x=1', '#frag', '%23', '?'])
    },
    () => {
      to.segments[index] = [...(to.segments[index] ?? '')]
        .map(char => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
        .join('')
    },
  ])()
}

/** Names of parameters the routes know, so that odd values meet one that reads them. */
export const PARAMETERS = [
  'rev', 'limit', 'skip', 'startkey', 'endkey', 'start_key', 'end_key', 'key', 'keys', 'descending', 'include_docs', 'inclusive_end', 'update_seq', 'bookmark', 'Fields',
  'DesignDocs', 'execution_stats', 'since', 'feed', 'style', 'filter', 'timeout', 'heartbeat', 'seq_interval', 'attachments', 'conflicts', 'revs', 'open_revs', 'latest',
  'page[limit]', 'page[cursor]', 'page[skip]', 'page%5Blimit%5D', 'page%5Bcursor%5D', 'include', 'sort', 'fields', 'include_file_path', 'skip_deleted',
  'skip_trashed', 'Name', 'Type', 'Tags', 'Path', 'Id', 'VersionId', 'Filename', 'Dl', 'Page', 'Executable', 'Encrypted', 'MetadataID', 'Size', 'CreatedAt', 'UpdatedAt',
  'SourceAccount', 'SourceAccountIdentifier', 'CarbonCopy', 'bearer_token', 'registerToken', 'codes', 'ttl', 'tiny', 'state', 'nonce', 'scope', 'slug', 'redirect', 'Domain',
  'Audience', 'Scope', 'Subject', 'Expire', 'domain', 'after', 'client_id', 'redirect_uri', 'response_type', 'code_challenge', 'code_challenge_method', 'code', 'access_token', 'error',
] // biome-ignore format: a list to be read as one

const query: Mutation = (to, random) => {
  const name = to.query.length > 0 && random.chance(0.5) ? random.pick(to.query)[0] : random.pick(PARAMETERS)
  const value = random.pick(ODD_QUERY_VALUES)
  random.pick<() => void>([
    () => {
      to.query = [...to.query.filter(([other]) => other !== name), [name, value]]
    },
    () => {
      to.query = [...to.query.filter(([other]) => other !== name), [name, value]]
    },
    () => void to.query.push([name, value], [name, random.pick(ODD_QUERY_VALUES)]),
    () => void to.query.push([`${name}[]`, value], [`${name}[a]`, value]),
    () => {
      to.query = to.query.filter(([other]) => other !== name)
    },
    () => void to.query.push([random.pick(['__proto__', '', '%00', 'constructor', '%']), value]),
    () => to.query.push(...Array.from({ length: 300 }, (): [string, string] => [name, String(random.int(10))])),
  ])()
}

const DATES = ['Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 31 Dec 9999 23:59:59 GMT', 'yesterday', '-1', '']
const ODD_HEADERS: [string, readonly string[]][] = [
  ['range', ['bytes=0-', 'bytes=-1', 'bytes=5-2', 'bytes=99999999999999999999-', 'bytes=0-0,1-1,2-2', 'bytes=-0', 'bytes=a-b', 'lines=1-2', `bytes=${'0-0,'.repeat(2000)}0-0`, 'bytes=-99999999999999999999']],
  ['if-match', ['*', '""', 'W/"a"', '1-abc', 'a'.repeat(5000), '"1-a", "2-b"', '\u00ff', '99999999999999999999-a', '-1-a', '1']],
  ['if-none-match', ['*', '"', 'W/"x"', '"a","b"', 'a'.repeat(5000)]],
  ['if-modified-since', DATES],
  ['if-range', DATES],
  ['date', DATES],
  ['content-md5', ['', 'rL0Y20zC+Fzt72VPzMSk2A==', 'not base64!', 'AAAA', 'a'.repeat(5000), '\u00ff', '1B2M2Y8AsgTpgAmY7PhCfg==']],
  ['content-type', ['', ';', 'a', 'a/b; c', 'text/plain; charset=utf-7', 'application/json; charset=utf-16', 'multipart/form-data', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'a/b'.repeat(1000), '\u00ff/\u00ff', 'application/json\tx', 'image/jpeg', 'text/html']],
  ['accept', ['', '*', 'a', 'text/html', 'application/vnd.api+json', 'application/zip', 'text/event-stream', 'a/b,'.repeat(2000), 'application/json;q=abc', '\u00ff']],
  ['accept-encoding', ['gzip', 'br', 'identity;q=0', '*;q=0', 'gzip;q=2', 'a'.repeat(3000), '']],
  ['content-encoding', ['gzip', 'br', 'deflate', 'identity', 'x']],
  ['origin', ['null', 'https://evil.example', '', 'a', 'http://[', 'x'.repeat(5000)]],
  ['cookie', ['cozysessid=', 'cozysessid=AAAA', `cozysessid=${'A'.repeat(3000)}`, 'cozysessid=%ff', '=;=;;', 'a'.repeat(5000), '_csrf=x', 'cozysessid="; Path=/', '__proto__=1', '\u00ff=\u00ff']],
  ['host', ['', 'localhost.', 'LOCALHOST', 'localhost:99999', 'localhost:0', 'other.example', 'nobody.localhost', '127.0.0.1', '[::1]', 'a.b.c.d.localhost', '..', 'localhost/..', 'localhost@other.example', '%00', 'xn--', `${'a'.repeat(64)}.localhost`, 'a'.repeat(3000), '\u00e9.localhost', 'localhost other.example', '__proto__', "x' or 1=1"]],
  ['x-forwarded-host', ['other.example']],
  ['x-forwarded-for', ['1.2.3.4', "' or 1=1", 'a'.repeat(5000)]],
  ['x-http-method-override', ['DELETE']],
  ['destination', ['', '_design/', '_design/x', '../x', '_design/%00', '\u00ff', 'a'.repeat(5000)]],
  ['expect', ['100-continue', '200-ok', '']],
  ['connection', ['upgrade', 'keep-alive, close', 'x']],
  ['upgrade', ['websocket', 'h2c', 'x']],
  ['if-unmodified-since', DATES],
  ['archive-passphrase', ['', '!', 'AAAA', 'a'.repeat(5000)]],
  ['accept-language', ['', 'fr', 'x'.repeat(5000), 'en;q=abc', '__proto__']],
  ['user-agent', ['', 'x'.repeat(5000), '\u00ff']],
  ['trailer', ['x']],
  ['te', ['trailers, deflate;q=0.5']],
] // biome-ignore format: a table

const headers: Mutation = (to, random) => {
  const [name, values] = random.pick(ODD_HEADERS)
  const value = random.pick(values)
  if (random.chance(0.15)) to.headers.push([name, value])
  else setHeader(to, name, value)
}

const token: Mutation = (to, random, world) => {
  if (to.listener === 'admin') {
    setHeader(
      to,
      'authorization',
      random.pick([
        '',
        'Basic',
        'Basic !!',
        'Basic OjpB',
        'Bearer x',
        `Basic ${Buffer.from('admin:').toString('base64')}`,
      ]),
    )
    return
  }
  const chosen = random.pick([
    ...Object.values(world.tokens),
    ...ODD_TEXTS.filter(text => !/[\0\r\n]/.test(text) && text.length < 6000),
    'a.b.c',
    'eyJhbGciOiJub25lIn0.eyJhdWQiOiJjbGkifQ.',
    'eyJhbGciOiJIUzUxMiJ9.e30.AAAA',
    '....',
    '123456',
    'abcdefghijkl',
    'abcdefghijkl.',
  ])
  const asHeader = Buffer.from(chosen).toString('latin1')
  random.pick<() => void>([
    () => {
      to.headers = to.headers.filter(([name]) => name !== 'authorization')
    },
    () => setHeader(to, 'authorization', `Bearer ${asHeader}`),
    () => setHeader(to, 'authorization', `Bearer ${asHeader}`),
    () => setHeader(to, 'authorization', `Basic ${Buffer.from(`user:${chosen}`).toString('base64')}`),
    () =>
      setHeader(
        to,
        'authorization',
        random.pick([
          '',
          'Bearer',
          'Bearer ',
          'Basic',
          'Basic AA',
          'Basic \u00ff',
          'Digest x',
          'Negotiate x',
          `Bearer ${asHeader} ${asHeader}`,
        ]),
      ),
    () => void to.query.push(['bearer_token', encodeURIComponent(chosen.isWellFormed() ? chosen : 'x')]),
  ])()
}

const method: Mutation = (to, random) => {
  to.method = random.pick([
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'SEARCH',
    'COPY',
    'QUERY',
    'get',
    'FOO',
  ])
}

const unexpectedBody: Mutation = (to, random) => {
  if (random.chance(0.5)) to.json = oddValue(random)
  else to.body = random.bytes(random.pick([1, 100, 5000]))
  setHeader(to, 'content-type', random.pick(['application/json', 'application/x-www-form-urlencoded', 'x/y']))
}

const SPECIAL_MEMBERS = [
  '',
  '_type',
  '_deleted',
  '_attachments',
  '_id',
  '_rev',
  '_revisions',
  'constructor',
  'id',
  'type',
]

/** Something wrong somewhere in the JSON. */
const member: Mutation = (to, random) => {
  const value = random.chance(0.12) ? oddSelector(random) : oddValue(random)
  if (random.chance(0.08)) {
    to.json = value
    return
  }
  const copy = structuredCloneRaw(to.json)
  const places = placesOf(copy)
  if (places.length === 0) {
    to.json = value
    return
  }
  const [holder, key] = random.pick(places)
  random.pick<() => void>([
    () => {
      holder[key] = value
    },
    () => {
      holder[key] = value
    },
    () => {
      holder[key] = value
    },
    () => void (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]),
    () => {
      holder[key] = [holder[key]]
    },
    () => {
      holder[key] = { [random.pick(ODD_TEXTS)]: holder[key] }
    },
    () => add(holder, random.pick([...SPECIAL_MEMBERS, random.pick(ODD_TEXTS)]), value),
    () => {
      add(holder, random.pick(ODD_TEXTS), holder[key])
      if (!Array.isArray(holder)) delete holder[key]
    },
  ])()
  to.json = copy
}

type Holder = Record<string, unknown> | (unknown[] & Record<string, unknown>)

/** To a list at its end: `2147483648` would be a place in it, with two billion empty ones before. */
function add(holder: Holder, name: string, value: unknown): void {
  if (Array.isArray(holder)) holder.push(value)
  else holder[name] = value
}

function placesOf(value: unknown): [Holder, string][] {
  if (typeof value !== 'object' || value === null || value instanceof RawJson) return []
  const holder = value as Holder
  return Object.keys(holder)
    .slice(0, 50)
    .flatMap(key => [[holder, key] as [Holder, string], ...placesOf(holder[key])])
}

function structuredCloneRaw(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof RawJson) return value
  if (Array.isArray(value)) return value.map(structuredCloneRaw)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, structuredCloneRaw(item)]))
}

/** Something wrong with the bytes. */
const text: Mutation = (to, random) => {
  const at = random.int(1000) / 1000
  const noise = random.bytes(random.pick([1, 4, 64]))
  to.spoil.push(
    random.pick<(body: Buffer) => Buffer>([
      body => body.subarray(0, Math.floor(body.length * at)),
      body => insert(body, at, Buffer.from([0xff, 0xfe])),
      body => insert(body, at, Buffer.from([0xed, 0xa0, 0x80])),
      body => insert(body, at, Buffer.from([0])),
      body => insert(body, at, noise),
      body => Buffer.concat([Buffer.from('\ufeff'), body]),
      body => Buffer.concat([body, body]),
      body => Buffer.concat([body, Buffer.from(' // a comment')]),
      body => Buffer.from(body.toString('utf8').replaceAll('"', "'")),
      body => Buffer.from(body.toString('utf8'), 'utf16le'),
      () => Buffer.alloc(0),
      () => Buffer.from('   '),
      () => noise,
      body => Buffer.concat([Buffer.alloc(100_000, ' '), body]),
      body => insert(body, at, Buffer.from('\\u')),
      body => insert(body, at, Buffer.from(',')),
      body => Buffer.from(body.toString('utf8').replace(/\{/, '{"a":1,"a":2,')),
    ]),
  )
}

const insert = (into: Buffer, part: number, what: Uint8Array) => {
  const at = Math.floor(into.length * part)
  return Buffer.concat([into.subarray(0, at), what, into.subarray(at)])
}

const framing: Mutation = (to, random) => {
  if (random.chance(0.4)) to.framing = 'chunked'
  else
    to.saysLength = random.pick([
      '0',
      '1',
      '5',
      '999',
      '99999999999',
      '18446744073709551616',
      '-1',
      'abc',
      '1, 2',
      '',
      '0x10',
      '+5',
    ])
}
