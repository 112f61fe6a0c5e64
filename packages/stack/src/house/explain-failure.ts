import { ConfigError } from '#ground/config'
import { DatabaseStartError, MigrationError } from '#ground/database/index'
import { PortTaken } from '#ground/http/index'
import { MasterKeyError } from '#ground/keyring/index'

/** The sentence of a failure at start that is written for an operator; undefined for one that is not. */
export function explainFailure(error: unknown): string | undefined {
  const known = [ConfigError, DatabaseStartError, MigrationError, PortTaken, MasterKeyError]
  return known.some(kind => error instanceof kind) ? (error as Error).message : undefined
}
