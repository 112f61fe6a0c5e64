import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Ground } from '#ground/ground'
import { badRequest, HttpError, invalidParameter } from '#ground/http/errors'
import { withoutPort } from '../domain.ts'
import { type Instance, SETTINGS } from '../instance.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { tokenHash } from '../lifecycle.ts'
import { type Rate, type Rates, throttleKey } from '../rates.ts'
import type { Sessions } from '../sessions/service.ts'
import type { InstanceStore } from '../store.ts'
import { DEFAULT_ITERATIONS, derivePassphrase, LEAST_ITERATIONS, MOST_ITERATIONS } from './derive.ts'
import { HashingBusy, hashSecret, matchesHash } from './hash.ts'
import { createPassphraseStore } from './store.ts'

/** Under which a change is told; no document of that name is kept. */
const PASSPHRASE_ID = 'io.cozy.settings.passphrase'
/** Of the whole instance: one wrong passphrase more and it is closed (`protocol/conventions.md` §7). */
const ATTEMPTS: Rate = { name: 'auth', limit: 1_000, windowMs: 3_600_000 }
/** Of one address: ours, so that it takes many addresses to close somebody's space. */
const FROM_ADDRESS: Rate = { name: 'auth-address', limit: 10, windowMs: 300_000 }

/** Too many wrong passphrases; `retryAfter` in seconds. Rendered as 429. */
export class TooManyAttempts extends HttpError {
  override name = 'TooManyAttempts'
  readonly retryAfter: number
  constructor(retryAfter: number) {
    super(429, 'Too many attempts', { 'retry-after': String(retryAfter) })
    this.retryAfter = retryAfter
  }
}

/** The instance is closed because of too many wrong passphrases. */
export class LoginBlocked extends HttpError {
  override name = 'LoginBlocked'
  constructor() {
    super(503, 'The instance is blocked because of too many login failures')
  }
}

/** A passphrase as clients send it, with what goes along. */
export interface PassphraseInput {
  /** `base64(PBKDF2(…))`; with iterations 0 the passphrase itself. */
  passphrase: string
  iterations: number
  hint?: string | undefined
  /** Enciphered by the client, kept for password managers. */
  key?: string | undefined
  publicKey?: string | undefined
  privateKey?: string | undefined
}

export interface PassphraseDeps {
  ground: Ground
  instances: InstanceStore
  lifecycle: Pick<Lifecycle, 'renewSessionSecret' | 'tell' | 'update'>
  rates: Rates
  sessions: Pick<Sessions, 'closeAll'>
}

/** @throws JsonApiError 400: PostgreSQL keeps no text with U+0000 */
function assertStorable(...texts: (string | undefined)[]): void {
  if (texts.some(text => text?.includes('\0'))) throw badRequest('A text must not hold the character U+0000')
}

/** The passphrase of an instance: only a scrypt of what the client has already derived is kept. */
export function createPassphrase({ ground, instances, lifecycle, rates, sessions }: PassphraseDeps) {
  const { clock, database, log } = ground
  const store = createPassphraseStore(database.query)
  const saltOf = (instance: Instance) => `me@${withoutPort(instance.domain)}`

  async function hashed(secret: string): Promise<string> {
    if (secret === '') throw badRequest('A passphrase must not be empty')
    return await calm(hashSecret(secret))
  }

  const put = async (
    instance: Instance,
    { iterations, hint, key, publicKey, privateKey }: PassphraseInput,
    hash: string,
    connection?: Parameters<typeof store.put>[2],
  ) => {
    assertStorable(hint, key, publicKey, privateKey)
    const before = await store.find(instance.id, connection)
    await store.put(
      instance.id,
      {
        hash,
        // What clients were told, and have derived with; another one since the instance moved would lock its owner out.
        salt: before?.salt ?? saltOf(instance),
        iterations,
        hint: hint ?? before?.hint ?? null,
        keys: JSON.stringify({ key, publicKey, privateKey }),
        changedAt: clock.now(),
      },
      connection,
    )
  }

  /** Clients that follow it derive anew (`protocol/realtime.md` §4). */
  const told = (instance: Instance, iterations: number): void => {
    const doc = { _id: PASSPHRASE_ID, kdf: 0, iterations }
    ground.news.publish([{ tenant: instance, verb: 'UPDATED', doctype: SETTINGS, id: PASSPHRASE_ID, doc }])
  }

  /**
   * Whether this is the instance's passphrase. Wrong ones are counted, per address and for the instance as a whole.
   * @param address where the request comes from
   * @throws TooManyAttempts 429, LoginBlocked 503
   */
  async function verify(instance: Instance, passphrase: string, { address }: { address: string }): Promise<boolean> {
    if (instance.blocked === 'LOGIN_FAILED') throw new LoginBlocked()
    const key = throttleKey(address)
    const here = await rates.hit(instance.id, FROM_ADDRESS, key)
    if (here.exceeded) throw new TooManyAttempts(here.retryAfter)
    const overall = await rates.hit(instance.id, ATTEMPTS)
    if (overall.exceeded) {
      await lifecycle.update(instance, { blocked: 'LOGIN_FAILED' })
      log.warn('an instance was closed because of too many wrong passphrases', { domain: instance.domain })
      throw new LoginBlocked()
    }
    const stored = await store.find(instance.id)
    const right = await calm(matchesHash(passphrase, stored?.hash ?? (await decoy())))
    if (!right || !stored) return false
    await rates.clear(instance.id, FROM_ADDRESS, key)
    await rates.takeBack(instance.id, ATTEMPTS)
    if (stored.iterations === 0) {
      // It was never derived by a client: it is now, and the client is told the iterations from its next login on.
      const derived = await derivePassphrase(passphrase, stored.salt, DEFAULT_ITERATIONS)
      const hash = await calm(hashSecret(derived))
      await store.migrate(instance.id, stored.hash, { hash, iterations: DEFAULT_ITERATIONS })
    }
    return true
  }

  return {
    /** What a client needs to derive it: `kdf` 0 is PBKDF2. */
    async params(instance: Instance): Promise<{ salt: string; kdf: 0; iterations: number }> {
      const stored = await store.find(instance.id)
      return { salt: stored?.salt ?? saltOf(instance), kdf: 0, iterations: stored?.iterations ?? DEFAULT_ITERATIONS }
    },

    verify,

    /** Whether this token may still choose the first passphrase (`?registerToken=`, hex). */
    async isRegisterToken(instance: Instance, token: string): Promise<boolean> {
      if (!isHex(token)) return false
      const expected = await instances.registerTokenHash(instance.id)
      return expected !== undefined && timingSafeEqual(expected, tokenHash(token.toLowerCase()))
    },

    /** Another token for the first passphrase; the one before is void. @returns hex */
    async newRegisterToken(instance: Instance): Promise<string> {
      const token = randomBytes(16).toString('hex')
      await instances.update(instance.id, { register_token_hash: tokenHash(token) })
      return token
    },

    /**
     * The first passphrase; ends the onboarding.
     * @throws 400 for a token that is wrong or used, 422 `KdfIterations`
     */
    async define(instance: Instance, input: PassphraseInput & { registerToken: string }): Promise<void> {
      assertIterations(input.iterations)
      const registerToken = input.registerToken.toLowerCase()
      const expected = isHex(registerToken) ? await instances.registerTokenHash(instance.id) : undefined
      // Looked at before the work of hashing, and again in the transaction, where one of two wins.
      if (!expected || !timingSafeEqual(expected, tokenHash(registerToken))) throw invalidRegisterToken()
      const hash = await hashed(input.passphrase)
      await database.transaction(async query => {
        if (!(await store.useRegisterToken(instance.id, tokenHash(registerToken), query))) throw invalidRegisterToken()
        await put(instance, input, hash, query)
      })
      lifecycle.tell(instance, 'updated')
      told(instance, input.iterations)
    },

    /** Sets it without knowing the old one, for the administrator; sessions and tokens of apps end. */
    async set(instance: Instance, input: PassphraseInput): Promise<void> {
      if (input.iterations !== 0) assertIterations(input.iterations)
      const hash = await hashed(input.passphrase)
      await database.transaction(async query => {
        await put(instance, input, hash, query)
        await instances.update(instance.id, { register_token_hash: null, onboarding_finished: true }, query)
      })
      await lifecycle.renewSessionSecret(instance)
      await sessions.closeAll(instance)
      told(instance, input.iterations)
    },

    /**
     * Another passphrase, by who knows the current one. Sessions, and tokens of apps and konnectors, end: the caller opens
     * another session for the browser that asked.
     * @throws 400 for a wrong current one, 422 `KdfIterations`, 429, 503
     */
    async change(instance: Instance, input: PassphraseInput & { current: string; address: string }): Promise<void> {
      assertIterations(input.iterations)
      if (!(await verify(instance, input.current, input))) throw badRequest('Invalid passphrase')
      const hash = await hashed(input.passphrase)
      await put(instance, input, hash)
      await lifecycle.renewSessionSecret(instance)
      await sessions.closeAll(instance)
      told(instance, input.iterations)
    },

    async hint(instance: Instance): Promise<string | undefined> {
      return (await store.find(instance.id))?.hint || undefined
    },

    /** @throws 400 when there is no passphrase yet */
    async setHint(instance: Instance, hint: string): Promise<void> {
      assertStorable(hint)
      if (!(await store.setHint(instance.id, hint || null))) throw badRequest('There is no passphrase yet')
    },
  }
}

export type PassphraseService = ReturnType<typeof createPassphrase>

const isHex = (text: string) => /^([0-9a-f]{2})+$/i.test(text)

const invalidRegisterToken = () => badRequest('Invalid or already used register token')

function assertIterations(iterations: number): void {
  if (!Number.isInteger(iterations) || iterations < LEAST_ITERATIONS || iterations > MOST_ITERATIONS) {
    throw invalidParameter(
      'KdfIterations',
      `The number of iterations must be between ${LEAST_ITERATIONS} and ${MOST_ITERATIONS}`,
    )
  }
}

/** Somebody's hash, so that an instance without a passphrase takes as long to say no. */
let decoyHash: Promise<string> | undefined
const decoy = () => (decoyHash ??= hashSecret(randomBytes(32).toString('hex')))

async function calm<T>(hashing: Promise<T>): Promise<T> {
  try {
    return await hashing
  } catch (error) {
    if (error instanceof HashingBusy) throw new HttpError(503, error.message, { 'retry-after': '2' })
    throw error
  }
}
