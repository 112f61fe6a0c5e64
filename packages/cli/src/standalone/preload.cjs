'use strict'
/**
 * Runs first in the konnector's process (`node --require`), plain CommonJS so that Node 20 and 26 load it as it is.
 * Decides where each TCP connection really goes. Patching `net.Socket#connect` and `tls.connect` catches every client
 * written in JavaScript at once (http, https, request with any agent, global fetch, undici), which patching each
 * client's own surface would not.
 *
 * KONNECTORY_NET = {"stack": port, "pins": {name: {host, port, tls}}, "gateway"?: {port, token}}
 * - the local stack is reached straight;
 * - with a gateway (record, replay, battery) everything else goes to it, as plain HTTP behind one line that says who
 *   was meant: the gateway speaks TLS to the vendor, the konnector sees a socket that says it is a trusted TLS one;
 * - without, only pinned names are sent elsewhere.
 */
const net = require('node:net')
const tls = require('node:tls')

/** First bytes of what the gateway sends in place of an answer when the vendor could not be reached. */
const ERROR_MARK = Buffer.from('\0KONNECTORY-ERROR ')
const TLS_TEXT_OPTIONS = ['servername', 'ciphers', 'minVersion', 'maxVersion', 'secureProtocol', 'ecdhCurve', 'sigalgs']
const TLS_BYTES_OPTIONS = ['ca', 'cert', 'key', 'pfx', 'passphrase']

if (process.env.KONNECTORY_NET) install(JSON.parse(process.env.KONNECTORY_NET))

function install(settings) {
  const connectSocket = net.Socket.prototype.connect
  const connectTls = tls.connect

  net.Socket.prototype.connect = function connect(...args) {
    const { options, callback } = socketArguments(args)
    const route = options && !(this instanceof tls.TLSSocket) ? findRoute(settings, options, undefined) : undefined
    if (!route) return connectSocket.apply(this, args)
    return open(this, options, route, callback)
  }

  tls.connect = function connect(...args) {
    const { options, callback } = tlsArguments(args)
    const route = options.socket ? undefined : findRoute(settings, options, tlsOptions(options))
    if (!route) return connectTls.apply(this, args)
    if (route.tls) {
      const name = options.servername || options.host
      const servername = net.isIP(name) ? '' : name
      return connectTls(
        { ...options, host: route.host, port: route.port, path: undefined, servername, rejectUnauthorized: false },
        callback,
      )
    }
    return open(dressAsTls(new net.Socket(options), callback), options, route)
  }

  function open(socket, options, route, callback) {
    if (route.gateway) watchForError(socket)
    const elsewhere = { ...options, host: route.host, port: route.port, lookup: undefined, path: undefined }
    connectSocket.call(socket, elsewhere, callback)
    if (route.preamble) socket.write(route.preamble)
    return socket
  }
}

/** @returns {{host: string, port: number, tls?: boolean, gateway?: boolean, preamble?: string} | undefined} undefined: leave it alone */
function findRoute(settings, options, secure) {
  if (options.path && !options.port) return undefined
  const host = String(options.host || 'localhost').toLowerCase()
  const port = Number(options.port)
  if (port === settings.stack && isLoopback(host)) return undefined
  if (settings.gateway) {
    const meant = { token: settings.gateway.token, host, port, ...(secure ? { tls: secure } : {}) }
    return { host: '127.0.0.1', port: settings.gateway.port, gateway: true, preamble: `${JSON.stringify(meant)}\n` }
  }
  const pin = Object.hasOwn(settings.pins, host) ? settings.pins[host] : undefined
  return pin ? { host: pin.host, port: pin.port || port, tls: secure ? pin.tls : false } : undefined
}

function isLoopback(host) {
  return host === '127.0.0.1' || host === 'localhost' || host === '::1'
}

/** `net` hands on an array of [options, callback]; callers may also give port, host, callback. */
function socketArguments(args) {
  const list = Array.isArray(args[0]) ? args[0] : args
  const callback = list.findLast(value => typeof value === 'function')
  const [first, second] = list
  if (first !== null && typeof first === 'object') return { options: first, callback }
  if (Number.isInteger(Number(first)) && first !== '' && first !== null)
    return { options: { port: Number(first), host: typeof second === 'string' ? second : undefined }, callback }
  return { options: undefined, callback }
}

function tlsArguments(args) {
  const callback = args.findLast(value => typeof value === 'function')
  const options = {}
  for (const value of args) {
    if (value !== null && typeof value === 'object') Object.assign(options, value)
    else if (typeof value === 'number') options.port = value
    else if (typeof value === 'string') options[options.port === undefined ? 'port' : 'host'] = value
  }
  return { options, callback }
}

/** What of the TLS options can travel to the gateway, so that it speaks to the vendor as the konnector would have. */
function tlsOptions(options) {
  const chosen = {}
  for (const name of TLS_TEXT_OPTIONS) if (typeof options[name] === 'string') chosen[name] = options[name]
  for (const name of TLS_BYTES_OPTIONS) {
    const value = options[name]
    if (typeof value === 'string' || Buffer.isBuffer(value))
      chosen[name] = { base64: Buffer.from(value).toString('base64') }
  }
  if (typeof options.secureOptions === 'number') chosen.secureOptions = options.secureOptions
  // Konnectors set NODE_TLS_REJECT_UNAUTHORIZED while they run; the gateway is another process and would not see it.
  chosen.rejectUnauthorized = options.rejectUnauthorized ?? process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0'
  return chosen
}

/** Gives a plain socket what clients ask of a TLS one: without `authorized`, request reports "SSL Error". */
function dressAsTls(socket, callback) {
  Object.assign(socket, {
    encrypted: true,
    authorized: true,
    authorizationError: null,
    alpnProtocol: false,
    servername: false,
    getPeerCertificate: () => ({}),
    getPeerX509Certificate: () => undefined,
    getCertificate: () => ({}),
    getProtocol: () => 'TLSv1.3',
    getCipher: () => ({ name: 'TLS_AES_256_GCM_SHA384', standardName: 'TLS_AES_256_GCM_SHA384', version: 'TLSv1.3' }),
    getSession: () => undefined,
    getTLSTicket: () => undefined,
    getEphemeralKeyInfo: () => ({}),
    isSessionReused: () => false,
    setServername: () => {},
    setSession: () => {},
    setMaxSendFragment: () => true,
    disableRenegotiation: () => {},
  })
  if (callback) socket.once('secureConnect', callback)
  socket.once('connect', () => {
    socket.emit('secure')
    socket.emit('secureConnect')
  })
  return socket
}

/** Turns the gateway's error line into the socket error that the konnector would have seen without it. */
function watchForError(socket) {
  const push = socket.push
  socket.push = function pushOrFail(chunk, ...rest) {
    if (chunk?.[0] !== 0 || !ERROR_MARK.equals(chunk.subarray(0, ERROR_MARK.length)))
      return push.call(this, chunk, ...rest)
    const { message, ...details } = JSON.parse(chunk.subarray(ERROR_MARK.length).toString())
    socket.destroy(Object.assign(new Error(message), details))
    return true
  }
}
