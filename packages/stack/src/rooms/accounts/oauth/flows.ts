import { randomBytes } from 'node:crypto'
import type { Clock } from '#ground/clock'
import type { Keyring } from '#ground/keyring/contract'
import type { Tenant } from '#ground/tenant'
import type { FlowStore } from './flow-store.ts'

/** What is remembered of a browser that was sent to a vendor. */
export interface Flow {
  kind: 'start' | 'manage' | 'reconnect'
  /** The client's own. */
  clientState?: string | undefined
  nonce?: string | undefined
  /** App to come back to. */
  slug?: string | undefined
  /** PKCE. */
  verifier?: string | undefined
  /** Of `manage` and `reconnect`. */
  accountId?: string | undefined
}

export interface Flows {
  /** @returns the state to give to the vendor, good once and for 15 minutes */
  begin(tenant: Tenant, accountType: string, sessionId: string, flow: Flow): Promise<string>
  /** The flow of a state, which is used up by that. Undefined when any of instance, type and session is another, or it is late. */
  end(tenant: Tenant, accountType: string, sessionId: string | undefined, state: string): Promise<Flow | undefined>
  instanceOf(state: string): Promise<string | undefined>
}

const LIFE_MS = 15 * 60_000
const SEAL_CONTEXT = 'account flow'

export function createFlows({ store, keyring, clock }: { store: FlowStore; keyring: Keyring; clock: Clock }): Flows {
  return {
    async begin(tenant, accountType, sessionId, flow) {
      const state = randomBytes(32).toString('base64url')
      const now = clock.now()
      const row = {
        instanceId: tenant.id,
        accountType,
        sessionId,
        details: await keyring.seal(tenant.id, SEAL_CONTEXT, JSON.stringify(flow)),
        expiresAt: new Date(now.getTime() + LIFE_MS),
      }
      await store.put(state, row, now)
      return state
    },
    async end(tenant, accountType, sessionId, state) {
      const row = await store.take(tenant.id, state)
      if (!row || row.accountType !== accountType || row.sessionId !== sessionId || row.expiresAt <= clock.now())
        return undefined
      return JSON.parse(await keyring.open(tenant.id, SEAL_CONTEXT, row.details)) as Flow
    },
    instanceOf: store.instanceOf,
  }
}
