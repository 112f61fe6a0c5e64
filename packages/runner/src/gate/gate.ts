import { randomBytes } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { createResolve, Dialer, PrivateAddress, type Resolve } from './dial.ts'
import { join, type Traffic } from './join.ts'
import { beginsWithTls, checkServerName, readPreamble } from './opening.ts'
import { createJudge, type GatePolicy, judgeLookup, type Target } from './policy.ts'
import { type Refusal, type RefusalReason, Refusals } from './refusals.ts'
import { createRelay } from './relay.ts'

export interface GateLimits {
  /** Connections to the outside at once. */
  connections: number
  /** Bytes to sites of the internet, in a run; what goes to the stack has the owner's quota. */
  bytesUp: number
  bytesDown: number
}

export const DEFAULT_GATE_LIMITS: GateLimits = { connections: 64, bytesUp: 1e9, bytesDown: 10e9 }

export interface GateOptions {
  socketPath: string
  policy: GatePolicy
  limits?: Partial<GateLimits>
  /** How names are found; tests bring their own. */
  resolve?: Resolve
  /** Each distinct refusal, the first time. */
  onRefusal(refusal: Refusal): void
  /** A mistake of the gate's own; the connection it happened on is closed, the others go on. */
  onError(error: unknown): void
}

export interface Gate extends AsyncDisposable {
  refused(): Refusal[]
  traffic(): Traffic
}

const MAX_LINE = 600
const TICKET_MS = 15_000
const IDLE_MS = 120_000
/** Names a job may ask for; each takes an address of 198.18.0.0/15 and some memory. */
const MAX_NAMES = 10_000
const MAX_SOCKETS = 512

interface Parked {
  target: Target
  socket: Socket
}

/**
 * The only way out of a jail: one unix socket per job, which is the job's identity. Each connection begins with a line:
 *
 *     LOOKUP name      → OK 198.18.x.y                     the stand-in address of an allowed name that exists
 *     OPEN host:port   → OK ticket  |  NO code reason      checked, dialled and parked
 *     TAKE ticket      the parked connection, after which this one carries the client's bytes
 *
 * Two steps, because a client must see a refusal as a failed `connect`, and an answer mixed into its bytes would have to be
 * taken out again inside the jail.
 */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { socketPath, policy, resolve = createResolve(), onRefusal, onError } = options
  const limits = { ...DEFAULT_GATE_LIMITS, ...options.limits }
  const judge = createJudge(policy)
  const dialer = new Dialer(resolve)
  const refusals = new Refusals(onRefusal)
  const traffic: Traffic = { connections: 0, bytesUp: 0, bytesDown: 0 }
  const open = new Set<Socket>()
  const parked = new Map<string, Parked>()
  const standIns = new Map<string, string>()
  const names = new Map<string, string>()
  let outside = 0

  const countFor = (target: Target) => (direction: 'up' | 'down', bytes: number) => {
    const key = direction === 'up' ? 'bytesUp' : 'bytesDown'
    traffic[key] += bytes
    if (target.kind === 'stack' || traffic[key] <= limits[key]) return true
    refusals.add(target.name, target.port, 'quota')
    return false
  }

  async function dial(target: Target): Promise<Socket> {
    if (outside >= limits.connections) throw new Refused('connections')
    outside++
    try {
      const socket = await dialer.dial(target)
      traffic.connections++
      keep(socket)
      socket.setTimeout(IDLE_MS, () => socket.destroy())
      socket.once('close', () => outside--)
      return socket
    } catch (error) {
      outside--
      throw error
    }
  }

  const relay = createRelay({
    dial: target =>
      dial(target).catch((error: unknown) => {
        if (error instanceof Refused) refusals.add(target.name, target.port, error.reason)
        if (error instanceof PrivateAddress) refusals.add(target.name, target.port, 'private_address')
        throw error
      }),
    refuse: (target, reason) => refusals.add(target.name, target.port, reason),
    countFor,
  })

  function keep(socket: Socket): void {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    // Whoever uses the socket hears of errors through `close`; without a listener they would end the worker.
    socket.on('error', () => {})
  }

  function standInFor(name: string): string {
    let address = standIns.get(name)
    if (address === undefined) {
      if (standIns.size >= MAX_NAMES) throw new Refused('connections')
      const index = standIns.size + 1
      address = `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
      standIns.set(name, address)
      names.set(address, name)
    }
    return address
  }

  async function lookUp(name: string): Promise<string> {
    const verdict = judgeLookup(judge, policy, name)
    if ('refused' in verdict) throw new Refused(verdict.refused)
    await dialer.addressesOf(verdict.target)
    return standInFor(verdict.target.name)
  }

  async function prepare(host: string, port: number): Promise<string> {
    const verdict = judge(host, port)
    if ('refused' in verdict) throw new Refused(verdict.refused)
    const socket = await dial(verdict.target)
    const ticket = randomBytes(12).toString('hex')
    parked.set(ticket, { target: verdict.target, socket })
    setTimeout(() => {
      if (parked.delete(ticket)) socket.destroy()
    }, TICKET_MS).unref()
    return ticket
  }

  async function pass(inside: Socket, { target, socket }: Parked): Promise<void> {
    let { speech } = target
    if (speech === 'either') {
      const isTls = await beginsWithTls(inside)
      if (isTls === undefined) return void inside.destroy()
      speech = isTls ? 'tls' : 'http'
    }
    if (speech === 'http') return relay.accept(inside, target, socket)
    if (speech === 'tls') {
      const reason = await checkServerName(inside, target.name)
      if (reason) throw new Refused(reason)
    }
    inside.setTimeout(IDLE_MS, () => inside.destroy())
    join(inside, socket, countFor(target))
  }

  async function serve(inside: Socket): Promise<void> {
    const line = await readPreamble(inside, MAX_LINE)
    const [, verb, rest] = /^(LOOKUP|OPEN|TAKE) (\S+)$/.exec(line ?? '') ?? []
    if (verb === undefined || rest === undefined) return void inside.destroy()
    if (verb === 'TAKE') {
      const entry = parked.get(rest)
      if (!entry) return void inside.destroy()
      parked.delete(rest)
      try {
        await pass(inside, entry)
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        refusals.add(entry.target.name, entry.target.port, error.reason)
        entry.socket.destroy()
        inside.destroy()
      }
      return
    }
    const split = verb === 'OPEN' ? /^(.*):(\d{1,5})$/.exec(rest) : [rest, rest, '0']
    if (!split) return void inside.destroy()
    const [, text = '', port] = split
    const host = names.get(text) ?? text.replace(/^\[(.*)\]$/, '$1')
    try {
      inside.end(`OK ${verb === 'OPEN' ? await prepare(host, Number(port)) : await lookUp(host)}\n`)
    } catch (error) {
      const { code, reason } = explain(error)
      if (reason) refusals.add(host, Number(port), reason)
      inside.end(`NO ${code} ${reason ?? '-'}\n`)
    }
  }

  const server = createServer({ allowHalfOpen: true }, inside => {
    keep(inside)
    serve(inside).catch((error: unknown) => {
      inside.destroy()
      onError(error)
    })
  })
  server.maxConnections = MAX_SOCKETS
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen(socketPath, () => listening())
  })

  return {
    refused: () => refusals.list(),
    traffic: () => ({ ...traffic }),
    async [Symbol.asyncDispose]() {
      relay.close()
      for (const socket of open) socket.destroy()
      await new Promise<void>(closed => server.close(() => closed()))
    },
  }
}

class Refused extends Error {
  override readonly name = 'Refused'
  readonly reason: RefusalReason

  constructor(reason: RefusalReason) {
    super(reason)
    this.reason = reason
  }
}

/** The errno a client in the jail gets, and the reason when it was our decision. */
function explain(error: unknown): { code: string; reason?: RefusalReason } {
  if (error instanceof Refused) return { code: 'EACCES', reason: error.reason }
  if (error instanceof PrivateAddress) return { code: 'EACCES', reason: 'private_address' }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'ECONNREFUSED'
  return { code: /^E[A-Z0-9_]{1,30}$/.test(code) ? code : 'ECONNREFUSED' }
}
