export { type Keyring, KeyringError, type ManagedKeyring, MasterKeyError, SERVER } from './contract.ts'
export { createKeyring, type KeyringOptions } from './keyring.ts'
export { keyIdOf } from './sealed-text.ts'
