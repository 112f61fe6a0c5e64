import type { KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { keyId, newKey, takeKey } from './cipher.ts'
import { KeyringError } from './contract.ts'
import {
  insertTenantKey,
  readTenantKeys,
  retireTenantKey,
  type TenantKeyRow,
  takeWrappedByOthers,
  updateWrapped,
} from './key-store.ts'
import { unwrapKey, wrapKey } from './master-key.ts'
import type { MasterKeys } from './master-keys.ts'
import type { OwnConnection } from './own-connection.ts'

/** How many tenants' keys stay unwrapped in memory; about 1 kB each. */
const TENANTS = 2000
/** After this, whoever seals looks whether another process has rotated the key. Opening needs no such look. */
const SEALING_MS = 60_000

export interface DataKey {
  id: string
  key: KeyObject
}

/** The data keys, unwrapped on demand. */
export interface TenantKeys {
  /** The one that seals; made at first use. */
  sealing(tenantId: string): Promise<DataKey>
  /** @throws KeyringError when the tenant has no such key */
  opening(tenantId: string, id: string): Promise<DataKey>
  /** @returns id of the new key */
  rotate(tenantId: string): Promise<string>
  /** Wraps what another master key than the current one has wrapped. @returns how many */
  rewrap(): Promise<number>
  forget(tenantId: string): void
  forgetAll(): void
}

interface Known {
  rows: Map<string, TenantKeyRow>
  unwrapped: Map<string, KeyObject>
  readAt: number
}

export function createTenantKeys(masters: MasterKeys, connection: OwnConnection, clock: Clock): TenantKeys {
  const cache = new LRUCache<string, Known>({ max: TENANTS })
  const reading = new Map<string, Promise<Known>>()

  const wrapped = (tenantId: string, key: KeyObject) => {
    const master = masters.current()
    return { instance_id: tenantId, id: keyId(key), master_key: master.id, wrapped: wrapKey(master, tenantId, key) }
  }

  const read = async (tenantId: string, create: boolean): Promise<Known> => {
    let rows = await readTenantKeys(connection.run, tenantId)
    if (create && rows.every(({ retired }) => retired)) {
      await insertTenantKey(connection.run, wrapped(tenantId, newKey()), clock.now())
      rows = await readTenantKeys(connection.run, tenantId)
    }
    return { rows: new Map(rows.map(row => [row.id, row])), unwrapped: new Map(), readAt: performance.now() }
  }

  /** Who asks while somebody reads gets the same. What `forget` came in between of is not kept. */
  const readOnce = (tenantId: string, create: boolean): Promise<Known> => {
    const name = `${tenantId} ${create}`
    const underWay = reading.get(name)
    if (underWay) return underWay
    const started = read(tenantId, create)
      .then(known => {
        if (reading.get(name) === started) cache.set(tenantId, known)
        return known
      })
      .finally(() => {
        if (reading.get(name) === started) reading.delete(name)
      })
    reading.set(name, started)
    return started
  }

  const unwrap = (known: Known, row: TenantKeyRow): DataKey => {
    const { instance_id, id, master_key } = row
    const there = known.unwrapped.get(id)
    if (there) return { id, key: there }
    const key = takeKey(unwrapKey(masters.byId(master_key), instance_id, id, row.wrapped))
    known.unwrapped.set(id, key)
    return { id, key }
  }

  const sealingRow = (known: Known | undefined) => [...(known?.rows.values() ?? [])].find(({ retired }) => !retired)

  const forget = (tenantId: string) => {
    cache.delete(tenantId)
    reading.delete(`${tenantId} true`)
    reading.delete(`${tenantId} false`)
  }

  return {
    forget,
    forgetAll() {
      cache.clear()
      reading.clear()
    },
    async sealing(tenantId) {
      let known = cache.get(tenantId)
      if (!known || !sealingRow(known) || performance.now() - known.readAt > SEALING_MS) {
        known = await readOnce(tenantId, true)
      }
      const row = sealingRow(known)
      if (!row) throw new KeyringError('The key of this instance has just been deleted')
      return unwrap(known, row)
    },
    async opening(tenantId, id) {
      let known = cache.get(tenantId)
      if (!known?.rows.has(id)) known = await readOnce(tenantId, false)
      const row = known.rows.get(id)
      if (!row) throw new KeyringError('The sealed text names a key this instance does not have')
      return unwrap(known, row)
    },
    async rotate(tenantId) {
      const row = wrapped(tenantId, newKey())
      await connection.transaction(async run => {
        await run.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`konnectory tenant key ${tenantId}`])
        await retireTenantKey(run, tenantId, clock.now())
        await insertTenantKey(run, row, clock.now())
      })
      forget(tenantId)
      return row.id
    },
    async rewrap() {
      const master = masters.current()
      for (let done = 0; ; ) {
        const rows = await connection.transaction(async run => {
          const taken = await takeWrappedByOthers(run, master.id)
          await updateWrapped(
            run,
            master.id,
            taken.map(row => rewrapped(row)),
          )
          return taken.length
        })
        if (rows === 0) return done
        done += rows
      }

      function rewrapped(row: TenantKeyRow): TenantKeyRow {
        const bytes = unwrapKey(masters.byId(row.master_key), row.instance_id, row.id, row.wrapped)
        return { ...row, wrapped: wrapKey(master, row.instance_id, takeKey(bytes)) }
      }
    },
  }
}
