import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openWorkshop } from '../core/konnector-process.ts'
import { startVendor } from '../request/vendor.ts'

/** What ovh, fb, splitwise and soap come down to: callbacks over node:http, an agent and sockets of their own. */
const VENDOR_SDK = `
  const http = require('node:http')
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  module.exports = ({ host, key }) => ({
    request(method, path, done) {
      const sent = http.request(host + path, { method, agent, headers: { 'X-Key': key } }, response => {
        let body = ''
        response.on('data', chunk => { body += chunk })
        response.on('end', () => response.statusCode < 300 ? done(null, JSON.parse(body)) : done(new Error('status ' + response.statusCode)))
      })
      sent.on('error', done)
      sent.end()
    },
  })`

// real-usage.md section 10, 20: libraries of the vendor with an HTTP stack of their own. Ours must leave Node's alone.
test('pattern 20: a vendor library on node:http, global fetch and WebSocket beside our requests', async () => {
  await using vendor = await startVendor(({ headers, url }, response) => {
    response.writeHead(url === '/refused' ? 403 : 200).end(JSON.stringify([url, headers['x-key'] ?? null]))
  })
  await using workshop = await openWorkshop()
  await writeFile(join(workshop.folder, 'vendor-sdk.js'), VENDOR_SDK)
  const ended = await workshop.run(`
    const http = require('node:http'), https = require('node:https'), net = require('node:net'), tls = require('node:tls')
    const { promisify } = require('node:util')
    const { EventEmitter } = require('node:events')
    const state = () => [http.request, http.get, http.globalAgent, https.request, https.globalAgent, net.connect, tls.connect,
      http.Agent, globalThis.Headers, globalThis.Request, globalThis.Response, globalThis.WebSocket, globalThis.Promise,
      EventEmitter.defaultMaxListeners, JSON.stringify({ ...http.globalAgent.options })]
    const before = state()
    const { BaseKonnector, requestFactory } = require('cozy-konnector-libs')
    const ovh = require('./vendor-sdk')({ host: '${vendor.url}', key: 'k1' })
    const call = promisify(ovh.request.bind(ovh))
    module.exports = new BaseKonnector(async function (fields) {
      const own = await call('GET', '/bills')
      const ours = await requestFactory({ json: true, headers: { 'X-Key': 'k2' } })('${vendor.url}/ours')
      const response = await fetch('${vendor.url}/fetched', { headers: new Headers({ 'X-Key': 'k3' }) })
      const refused = await call('GET', '/refused').catch(error => error.message)
      await this.saveFiles([{ filename: 'bills.json', filestream: JSON.stringify(own) }], fields)
      const after = state()
      console.log('> ' + JSON.stringify([own, ours, await response.json(), refused, before.filter((value, i) => value !== after[i])]))
    })`)
  assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  assert.match(
    ended.stdout,
    /> \[\["\/bills","k1"\],\["\/ours","k2"\],\["\/fetched","k3"\],"status 403",\[\]\]\n/,
    ended.stdout,
  )
})
