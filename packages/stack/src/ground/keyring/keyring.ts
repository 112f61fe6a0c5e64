import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Database } from '../database/index.ts'
import type { Log } from '../log.ts'
import { bytesToText, decrypt, encrypt, textToBytes } from './cipher.ts'
import { type ManagedKeyring, SERVER } from './contract.ts'
import { createMasterKeys } from './master-keys.ts'
import { ownConnection } from './own-connection.ts'
import { readSealed, writeSealed } from './sealed-text.ts'
import { createTenantKeys } from './tenant-keys.ts'

export interface KeyringOptions {
  /** `dataDirectory` for the file, `masterKeys` from the environment. */
  config: Pick<Config, 'dataDirectory' | 'masterKeys'>
  /** Only where it is; the keyring has a connection of its own. */
  database: Pick<Database, 'driver'>
  clock: Clock
  log: Log
}

/**
 * Makes the keyring; reads and writes nothing yet.
 * @throws MasterKeyError when `masterKeys` holds what is no key
 */
export function createKeyring({ config, database, clock, log }: KeyringOptions): ManagedKeyring {
  const connection = ownConnection(database.driver, log)
  const masters = createMasterKeys(config, { clock, log })
  const tenants = createTenantKeys(masters, connection, clock)

  let started: Promise<void> | undefined
  const start = (): Promise<void> => {
    started ??= connection
      .transaction(run => masters.start(run))
      .catch(error => {
        started = undefined
        throw error
      })
    return started
  }

  const seal = async (tenantId: string, context: string, secret: string): Promise<string> => {
    await start()
    const { id, key } = await tenants.sealing(tenantId)
    return writeSealed({ keyId: id, box: encrypt(key, ['secret', tenantId, context, id], textToBytes(secret)) })
  }

  const open = async (tenantId: string, context: string, sealed: string): Promise<string> => {
    const { keyId, box } = readSealed(sealed)
    await start()
    const { id, key } = await tenants.opening(tenantId, keyId)
    const plain = decrypt(key, ['secret', tenantId, context, id], box)
    try {
      return bytesToText(plain)
    } finally {
      plain.fill(0)
    }
  }

  return {
    seal,
    open,
    sealGlobal: (context, secret) => seal(SERVER, context, secret),
    openGlobal: (context, sealed) => open(SERVER, context, sealed),
    assertKeysMatch: () => connection.transaction(run => masters.assertMatch(run), 'read only'),
    start,
    async rotateMasterKey() {
      await start()
      const { id } = await connection.transaction(run => masters.renew(run))
      const rewrapped = await tenants.rewrap()
      log.info('wrapped the data keys with another master key', { id, rewrapped })
      return { id, rewrapped }
    },
    async rotateTenantKey(tenantId, reseal = []) {
      await start()
      const id = await tenants.rotate(tenantId)
      for (const again of reseal) await again()
      return id
    },
    forget: tenants.forget,
    forgetAll: tenants.forgetAll,
    async dropTenant(tenantId, query) {
      await sql`delete from konnectory.tenant_keys where instance_id = ${tenantId}`.execute(query)
      tenants.forget(tenantId)
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}
