/**
 * Preloaded into every Node process of a jail. TCP connections of any client become connections to the job's unix socket,
 * names are looked up there. Convenience, not security: a konnector that undoes this has no network at all.
 */
'use strict'
const dns = require('node:dns')
const net = require('node:net')

const [gatePath, stackHost = '', stackPort = ''] = (process.env.KONNECTORY_GATE ?? '').split('|')
const realConnect = net.Socket.prototype.connect
const realWrite = net.Socket.prototype._writeGeneric
let isTlsPatched = false

if (gatePath) {
  patchConnect()
  patchLookups()
  require('node:module').syncBuiltinESMExports()
}

/** One question to the gate, one line back. `done(error, answer)`; the error's code is what a socket would have had. */
function ask(question, done) {
  const socket = new net.Socket()
  let text = ''
  let isDone = false
  const finish = (error, answer) => {
    if (isDone) return
    isDone = true
    socket.destroy()
    done(error, answer)
  }
  socket.setEncoding('latin1')
  socket.on('error', error => finish(error))
  socket.on('close', () => finish(failure('ECONNRESET', 'the gate is closed')))
  socket.on('data', chunk => {
    text += chunk
    if (!text.includes('\n')) return
    const [word, first, reason] = text.trim().split(' ')
    if (word === 'OK') finish(null, first)
    else finish(failure(first ?? 'ECONNRESET', reason === undefined || reason === '-' ? undefined : reason))
  })
  Reflect.apply(realConnect, socket, [{ path: gatePath }])
  socket.write(`${question}\n`)
}

function failure(code, reason) {
  return Object.assign(new Error(reason ? `${code} refused by the gate: ${reason}` : code), { code })
}

function isLoopback(host) {
  return host === 'localhost' || host === '::1' || host === '::' || host === '0.0.0.0' || /^127(\.\d+){3}$/.test(host)
}

/** What `connect` may be called with, as [options, callback]. */
function readArguments(args) {
  const list = Array.isArray(args[0]) ? args[0] : args
  const last = list.at(-1)
  const callback = typeof last === 'function' ? last : undefined
  const [first, second] = list
  if (first !== null && typeof first === 'object') return [first, callback]
  if (typeof first === 'string' && !(Number(first) >= 0)) return [{ path: first }, callback]
  return [{ port: first, host: typeof second === 'string' ? second : undefined }, callback]
}

/** The host the gate is to be asked for; undefined when the connection stays inside the jail. */
function outsideHost(host, port) {
  const name = host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
  if (!isLoopback(name)) return name
  return isLoopback(stackHost) && String(port) === stackPort ? stackHost : undefined
}

function patchConnect() {
  net.Socket.prototype.connect = function connect(...args) {
    const [options, callback] = readArguments(args)
    const port = Number(options.port)
    const isTcp = !options.path && Number.isInteger(port) && port > 0 && port < 65_536
    if (!isTcp) return Reflect.apply(realConnect, this, args)
    const asked = String(options.host || 'localhost')
    const host = outsideHost(asked, port)
    if (host === undefined) {
      // Nobody listens in here: the try is told to the gate, which writes it down.
      this.once('close', () => {
        if (this.errored?.code === 'ECONNREFUSED') ask(`OPEN ${asked}:${port}`, () => {})
      })
      return Reflect.apply(realConnect, this, args)
    }
    if (callback) this.once('connect', callback)
    if (this.encrypted) connectTlsThroughRelay(this, host, port)
    else connectThroughGate(this, host, port)
    return this
  }
}

/** While the gate is asked the socket is in the state it has during a look-up of its name: `connecting`, without a handle. */
function connectThroughGate(socket, host, port) {
  if (socket.destroyed) {
    socket._undestroy()
    socket._handle = null
  }
  socket.connecting = true
  if (!net.isIP(host)) socket._host = host
  // What is written meanwhile; a stream has one write under way at most, until its callback is called.
  let held
  socket._writeGeneric = (...write) => {
    held = write
  }
  const giveUp = error => {
    delete socket._writeGeneric
    held?.[3]?.(error)
    held = undefined
  }
  socket.once('close', () => giveUp(failure('ECONNRESET')))
  open(host, port, (error, ticket) => {
    if (socket.destroyed) return
    socket.emit('lookup', null, '198.18.0.0', 4, host)
    if (error) {
      giveUp(error)
      socket.destroy(error)
      return
    }
    // Before all others: undici writes its request in its own listener.
    socket.prependOnceListener('connect', () => {
      delete socket._writeGeneric
      Reflect.apply(realWrite, socket, [false, `TAKE ${ticket}\n`, 'latin1', () => {}])
      if (held) Reflect.apply(realWrite, socket, held)
      held = undefined
    })
    Reflect.apply(realConnect, socket, [{ path: gatePath }])
  })
}

/** Has the gate check and dial. @param done called with an error like that of a failed connect, or with a ticket */
function open(host, port, done) {
  ask(`OPEN ${host.includes(':') ? `[${host}]` : host}:${port}`, (error, ticket) => {
    if (error) {
      error.message = error.message.replace(error.code, `connect ${error.code} ${host}:${port}`)
      Object.assign(error, { syscall: 'connect', address: host, port })
    }
    done(error, ticket)
  })
}

/**
 * A socket to lie under TLS. It must have its handle at once, or TLS goes by way of JavaScript streams, slowly and without
 * `unref`; so it connects to the gate first, and says so only when the gate has connected too.
 */
function socketUnderTls(host, port, options) {
  const socket = new net.Socket(options)
  const { emit } = socket
  let isOpen = false
  let isAtGate = false
  let ticket
  const begin = () => {
    isOpen = true
    Reflect.apply(realWrite, socket, [false, `TAKE ${ticket}\n`, 'latin1', () => {}])
    socket.emit('connect')
    socket.emit('ready')
  }
  socket.emit = function (event, ...args) {
    if (isOpen || (event !== 'connect' && event !== 'ready')) return Reflect.apply(emit, this, [event, ...args])
    isAtGate = true
    if (event === 'connect' && ticket !== undefined) begin()
    return true
  }
  Reflect.apply(realConnect, socket, [{ path: gatePath }])
  open(host, port, (error, answer) => {
    if (socket.destroyed) return
    if (error) {
      socket.destroy(error)
      return
    }
    ticket = answer
    if (isAtGate) begin()
  })
  return socket
}

/**
 * The first TLS socket of a process, and any made without `tls.connect`, is bound to a TCP handle: it goes by way of a
 * listener of our own on the jail's loopback. From then on `tls.connect` is ours: loading `tls` before anybody
 * wants it would cost each run 17 ms of processor time, half of what Node's own start costs.
 */
function connectTlsThroughRelay(socket, host, port) {
  patchTls()
  socket.connecting = true
  open(host, port, (error, ticket) => {
    if (socket.destroyed) return
    if (error) {
      socket.destroy(error)
      return
    }
    const relay = net.createServer({ allowHalfOpen: true }, inside => {
      relay.close()
      const outside = new net.Socket({ allowHalfOpen: true })
      Reflect.apply(realConnect, outside, [{ path: gatePath }])
      outside.write(`TAKE ${ticket}\n`)
      for (const [from, to] of [
        [inside, outside],
        [outside, inside],
      ]) {
        from.on('error', () => to.destroy())
        from.on('close', () => {
          if (!from.readableEnded) to.destroy()
        })
        from.pipe(to)
      }
      // What keeps the process alive is the konnector's socket.
      inside.unref()
      outside.unref()
    })
    relay.on('error', failed => socket.destroy(failed))
    relay.listen(0, '127.0.0.1', 1, () => {
      if (socket.destroyed) relay.close()
      else Reflect.apply(realConnect, socket, [{ host: '127.0.0.1', port: relay.address().port }])
    })
  })
}

function patchTls() {
  if (isTlsPatched) return
  isTlsPatched = true
  const tls = require('node:tls')
  const realTlsConnect = tls.connect
  tls.connect = function connect(...args) {
    const options = {}
    let callback
    for (const arg of args) {
      if (arg && typeof arg === 'object') Object.assign(options, arg)
      else if (typeof arg === 'function') callback = arg
    }
    if (typeof args[0] !== 'object') options.port = args[0]
    if (typeof args[1] === 'string') options.host = args[1]
    const host = String(options.host || 'localhost')
    if (options.socket || options.path || outsideHost(host, options.port) === undefined) {
      return Reflect.apply(realTlsConnect, this, args)
    }
    const raw = socketUnderTls(outsideHost(host, options.port), Number(options.port), {
      allowHalfOpen: Boolean(options.allowHalfOpen),
      signal: options.signal,
    })
    // Before the TLS socket listens, so that it is handed the reason instead of a bare `close`.
    let secure
    raw.on('error', error => secure.destroy(error))
    secure = Reflect.apply(realTlsConnect, this, [{ ...options, socket: raw }, ...(callback ? [callback] : [])])
    if (options.timeout) secure.setTimeout(options.timeout)
    secure.on('close', () => raw.destroy())
    return secure
  }
  require('node:module').syncBuiltinESMExports()
}

function patchLookups() {
  const { lookup } = dns
  const lookupPromise = dns.promises.lookup
  const staysHere = host =>
    !host || typeof host !== 'string' || net.isIP(host) !== 0 || host.toLowerCase() === 'localhost'

  const find = host =>
    new Promise((resolve, reject) => {
      ask(/^[\x21-\x7e]{1,300}$/.test(host) ? `LOOKUP ${host}` : 'LOOKUP ?', (error, address) => {
        if (!error) return resolve(address)
        const code = ['EACCES', 'ENODATA'].includes(error.code) ? 'ENOTFOUND' : error.code
        const message = `getaddrinfo ${code} ${host}${error.code === 'EACCES' ? ` (${error.message})` : ''}`
        reject(Object.assign(new Error(message), { code, syscall: 'getaddrinfo', hostname: host }))
      })
    })
  const answer = async (host, options) => {
    const wants = typeof options === 'number' ? { family: options } : (options ?? {})
    const four = await find(host)
    const isSix = wants.family === 6 || wants.family === 'IPv6'
    const found = { address: isSix ? `::ffff:${four}` : four, family: isSix ? 6 : 4 }
    return wants.all ? [found] : found
  }

  dns.lookup = (host, options, callback) => {
    const done = typeof options === 'function' ? options : callback
    const wants = typeof options === 'function' ? {} : options
    if (staysHere(host) || typeof done !== 'function') return lookup(host, options, callback)
    answer(host, wants).then(
      found =>
        process.nextTick(() => (Array.isArray(found) ? done(null, found) : done(null, found.address, found.family))),
      error => process.nextTick(done, error),
    )
    return {}
  }
  dns.lookup[Symbol.for('nodejs.util.promisify.custom')] = (host, options) => dns.promises.lookup(host, options)
  dns.promises.lookup = async (host, options) =>
    staysHere(host) ? lookupPromise(host, options) : answer(host, options)

  const four = async (host, options) => {
    const address = await find(host)
    return [options?.ttl ? { address, ttl: 60 } : address]
  }
  const six = async host => {
    await find(host)
    throw Object.assign(new Error(`queryAaaa ENODATA ${host}`), {
      code: 'ENODATA',
      syscall: 'queryAaaa',
      hostname: host,
    })
  }
  const withCallback =
    query =>
    (host, ...rest) => {
      const done = rest.at(-1)
      const options = rest.length > 1 ? rest[0] : undefined
      query(host, options).then(
        found => process.nextTick(done, null, found),
        error => process.nextTick(done, error),
      )
    }
  const byType = real =>
    function resolve(host, type, ...rest) {
      if (typeof type === 'function') return this.resolve4(host, type)
      if (type === undefined || type === 'A') return this.resolve4(host, ...rest)
      if (type === 'AAAA') return this.resolve6(host, ...rest)
      return Reflect.apply(real, this, [host, type, ...rest])
    }
  for (const place of [dns, dns.Resolver.prototype]) {
    place.resolve4 = withCallback(four)
    place.resolve6 = withCallback(six)
    place.resolve = byType(place.resolve).bind(place)
  }
  for (const place of [dns.promises, dns.promises.Resolver.prototype]) {
    place.resolve4 = four
    place.resolve6 = six
    place.resolve = byType(place.resolve).bind(place)
  }
}
