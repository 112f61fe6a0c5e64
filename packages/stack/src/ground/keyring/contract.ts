import type { Transaction } from 'kysely'
import type { GroundTables, Query } from '../database/index.ts'

/**
 * Envelope encryption of secrets at rest (design.md decision 10): AES-256-GCM, a data key per tenant wrapped by a master key
 * with an id; what a secret belongs to is part of its authentication (AAD), so that a sealed text moved elsewhere does not open.
 */
export interface Keyring {
  /** Seals a text for a tenant and a context such as `account:<id>`. Text without spaces, URL-safe. */
  seal(tenantId: string, context: string, secret: string): Promise<string>
  /** @throws KeyringError when it was sealed for another tenant or context, by an unknown key, or has been changed */
  open(tenantId: string, context: string, sealed: string): Promise<string>
  /** For secrets of the server itself, of no tenant. */
  sealGlobal(context: string, secret: string): Promise<string>
  openGlobal(context: string, sealed: string): Promise<string>
}

/** The keyring as the house and the operator's commands hold it; rooms see `Keyring`. */
export interface ManagedKeyring extends Keyring, AsyncDisposable {
  /**
   * Whether the master keys at hand are those of this database. Only reads, also in a database without our tables: call it
   * before anything is written, migrations included.
   * @throws MasterKeyError with a sentence that says what to put back
   */
  assertKeysMatch(): Promise<void>
  /**
   * Takes the keys into use; at the first start makes the master key file. Call it after the migrations; sealing and opening
   * do it by themselves otherwise.
   * @throws MasterKeyError as `assertKeysMatch`
   */
  start(): Promise<void>
  /**
   * Wraps all data keys again, while everything runs. With the file a new master key is made and written to it first; with the
   * environment it is the first of the keys given. Old master keys stay good for backups.
   * @returns id of the master key, and how many data keys were wrapped again
   */
  rotateMasterKey(): Promise<{ id: string; rewrapped: number }>
  /**
   * Gives a tenant a new data key, then has the rooms seal again what they keep. What the old key sealed goes on opening.
   * Other processes may seal with the old one for up to a minute more.
   * @param tenantId `SERVER` for the server's own
   * @returns id of the new key
   */
  rotateTenantKey(tenantId: string, reseal?: (() => Promise<unknown>)[]): Promise<string>
  /** Forgets unwrapped keys of a tenant in this process; they are read again when needed. */
  forget(tenantId: string): void
  /** As `forget`, of all: news of other processes may have got lost. */
  forgetAll(): void
  /** Deletes the keys of a tenant that goes away: nothing that was sealed for it opens ever again, in no backup of its rows. */
  dropTenant(tenantId: string, query: Query | Transaction<GroundTables>): Promise<void>
}

/** Whose data key seals the secrets of the server itself. */
export const SERVER = '00000000-0000-0000-0000-000000000000'

/** What was sealed does not open. Never tells the secret, nor which of the reasons it was. */
export class KeyringError extends Error {
  override name = 'KeyringError'
}

/** The master keys at hand are missing, damaged or not those of the database. `message` is for the operator. */
export class MasterKeyError extends KeyringError {
  override name = 'MasterKeyError'
}
