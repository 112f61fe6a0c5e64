import type { RunSql } from '#ground/documents/sql'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import type { Caller } from './caller.ts'
import type { Doing } from './cozy-metadata.ts'
import type { TreeTransactions } from './tree-transactions.ts'

/** What of an instance the files need to know. */
export interface Owner {
  /** Undefined: unlimited. */
  quotaBytes?: number | undefined
  publicName: string
}

/** What every operation of the writing half stands on. */
export interface WriteContext extends Pick<TreeTransactions, 'inTree'> {
  ground: Pick<Ground, 'documents' | 'blobs' | 'clock' | 'log'>
  /** On the pool, for what is read before the tree is taken. */
  run: RunSql
  ownerOf(tenant: Tenant): Promise<Owner>
  /** Of one file; undefined: only the quota bounds it. */
  maxFileBytes: number | undefined
}

/** Who, when and where, for `cozyMetadata`. */
export function doing(
  { ground }: Pick<WriteContext, 'ground'>,
  tenant: Tenant,
  caller: Caller,
  sources: Pick<Doing, 'sourceAccount' | 'sourceAccountIdentifier'> = {},
): Doing {
  return {
    tenant,
    actor: caller.actor,
    now: ground.clock.now().toISOString(),
    sourceAccount: sources.sourceAccount,
    sourceAccountIdentifier: sources.sourceAccountIdentifier,
  }
}
