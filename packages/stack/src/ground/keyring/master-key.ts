import { createSecretKey, type KeyObject } from 'node:crypto'
import { decrypt, encrypt, KEY_BYTES, keyId } from './cipher.ts'
import { MasterKeyError } from './contract.ts'

/** A key that wraps data keys, kept outside the database. */
export interface MasterKey {
  /** Follows from the key. */
  id: string
  key: KeyObject
}

export const masterKey = (key: KeyObject): MasterKey => ({ id: keyId(key), key })

export const masterKeyText = ({ key }: MasterKey): string => key.export().toString('base64url')

/** 32 bytes as 64 hexadecimal digits, or as base64 of either alphabet. Undefined for anything else. */
export function parseMasterKey(text: string): MasterKey | undefined {
  const bytes = /^[0-9a-f]{64}$/i.test(text)
    ? Buffer.from(text, 'hex')
    : /^[\w+/-]{43}=?$/.test(text)
      ? Buffer.from(text, 'base64')
      : undefined
  return bytes?.length === KEY_BYTES ? masterKey(createSecretKey(bytes)) : undefined
}

const CHECK = Buffer.from('konnectory')
const checkContext = (id: string) => ['master key check', id]

/** What the database keeps of a master key, to tell that one is right before anything is sealed or opened with it. */
export const writeKeyCheck = ({ id, key }: MasterKey): string =>
  encrypt(key, checkContext(id), CHECK).toString('base64url')

/** @throws MasterKeyError when the record was not written with this key */
export function assertKeyCheck({ id, key }: MasterKey, check: string): void {
  try {
    if (decrypt(key, checkContext(id), Buffer.from(check, 'base64url')).equals(CHECK)) return
  } catch (cause) {
    throw new MasterKeyError(
      `The check record of master key ${id} does not open: the table master_keys has been changed. Restore it from a backup. Nothing was written.`,
      { cause },
    )
  }
  throw new MasterKeyError(`The check record of master key ${id} says something else. Nothing was written.`)
}

const wrapContext = (tenantId: string, dataKeyId: string, { id }: MasterKey) => ['data key', tenantId, dataKeyId, id]

export function wrapKey(master: MasterKey, tenantId: string, dataKey: KeyObject): string {
  const bytes = dataKey.export()
  try {
    return encrypt(master.key, wrapContext(tenantId, keyId(dataKey), master), bytes).toString('base64url')
  } finally {
    bytes.fill(0)
  }
}

/** @returns the key's bytes, to be taken over by `takeKey`
 *  @throws KeyringError when the row was changed or moved to another tenant */
export function unwrapKey(master: MasterKey, tenantId: string, dataKeyId: string, wrapped: string): Buffer {
  return decrypt(master.key, wrapContext(tenantId, dataKeyId, master), Buffer.from(wrapped, 'base64url'))
}
