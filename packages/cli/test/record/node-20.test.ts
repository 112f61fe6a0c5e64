import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'

/** Authors have Node 20. The system's own, where there is one: PATH has the repository's in front. */
const NODE_20 = ['/usr/bin/node', '/usr/local/bin/node'].find(
  path => existsSync(path) && spawnSync(path, ['--version']).stdout.toString().startsWith('v20.'),
)

test('the preloads work on Node 20', { skip: NODE_20 ? false : 'no Node 20 on this machine' }, async () => {
  const { startVendor } = await import('./help/vendor.ts')
  const { forwarder } = await import('../../src/record/forward.ts')
  const { startGateway } = await import('../../src/record/gateway.ts')
  const { spawn } = await import('node:child_process')
  await using vendor = await startVendor((_request, response) => void response.end('hello'))
  const urls: string[] = []
  const pins = { 'vendor.test': { host: '127.0.0.1', port: vendor.port, tls: false } }
  const gateway = await startGateway({ handle: forwarder({ pins, onExchange: ({ url }) => urls.push(url) }) })
  try {
    const preloads = ['preload', 'deterministic', 'open-in-browser'].flatMap(name => [
      '--require',
      new URL(`../../src/standalone/${name}.cjs`, import.meta.url).pathname,
    ])
    const script = `(async () => {
      const http = require('http'), https = require('https')
      const get = (mod, url) => new Promise((resolve, reject) => mod.get(url, r => { let s = ''; r.on('data', c => s += c); r.on('end', () => resolve(s)) }).on('error', reject))
      console.log(JSON.stringify([process.version.slice(0, 3), await get(http, 'http://vendor.test/a'), await get(https, 'https://vendor.test/b'),
        await (await fetch('https://vendor.test/c')).text(), Date.now(), typeof openInBrowser]))
    })()`
    const child = spawn(NODE_20!, [...preloads, '-e', script], {
      env: {
        KONNECTORY_NET: JSON.stringify({ stack: 0, pins: {}, gateway: { port: gateway.port, token: gateway.token } }),
        KONNECTORY_CLOCK: '1000',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
    await new Promise(resolve => child.once('close', resolve))
    assert.equal(output, '["v20","hello","hello","hello",1000,"function"]\n')
    assert.deepEqual(urls, ['http://vendor.test/a', 'https://vendor.test/b', 'https://vendor.test/c'])
  } finally {
    await gateway.close()
  }
})
