import type { StackClient } from '@konnectory/client'
import { log } from '../log.ts'
import { getStackClient } from '../stack-client.ts'
import { createGlobalModel, type Model } from './global-model.ts'
import { createLocalModel, type LocalModelOptions } from './local-model.ts'
import type { NaiveBayes } from './naive-bayes.ts'
import type { Transaction } from './tokens.ts'

export interface CategorizerOptions extends LocalModelOptions {
  /** Default true. */
  useGlobalModel?: boolean
}

export interface Categorizer {
  /** Writes categories on the transactions and returns them. */
  categorize<T extends Transaction>(transactions: T[]): T[]
  /** What the models that could be built have learnt: the global one first. */
  classifiers: NaiveBayes[]
}

/** Where a categoriser gets its knowledge; for tests and for callers that have a client already. */
export interface CategorizerPlace {
  client: () => StackClient
  warn(message: string): void
}

/** A categoriser with the models that can be built; none is an error, the transactions then stay as they are. */
export async function buildCategorizer(
  place: CategorizerPlace,
  options: CategorizerOptions = {},
): Promise<Categorizer> {
  const build = async (name: string, create: () => Promise<Model>): Promise<Model | undefined> => {
    try {
      return await create()
    } catch (error) {
      place.warn(`no ${name} categorisation: ${error instanceof Error ? error.message : error}`)
      return undefined
    }
  }
  const [globalModel, localModel] = await Promise.all([
    options.useGlobalModel === false ? undefined : build('global', async () => createGlobalModel(place.client())),
    build('local', () => createLocalModel(place.client, options)),
  ])
  const models = [globalModel, localModel].filter(model => model !== undefined)
  return {
    categorize<T extends Transaction>(transactions: T[]) {
      for (const model of models) model.categorize(transactions)
      return transactions
    },
    classifiers: models.map(model => model.classifier),
  }
}

/** A categoriser for many batches (`sdk/exports.md` section 15). Never rejects: a model that cannot be built is one `warn`. */
export async function createCategorizer(options: CategorizerOptions = {}): Promise<Categorizer> {
  const warn = (message: string) => log('warn', message, undefined, 'categorization')
  return buildCategorizer({ client: getStackClient, warn }, options)
}

/** Categorises one batch: the same transactions, with `cozyCategoryId`, `localCategoryId` and their `…Proba`. */
export async function categorize<T extends Transaction>(
  transactions: T[],
  options: CategorizerOptions = {},
): Promise<T[]> {
  const categorizer = await createCategorizer(options)
  return categorizer.categorize(transactions)
}
