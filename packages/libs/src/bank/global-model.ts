import type { StackClient } from '@konnectory/client'
import { type BayesState, NaiveBayes } from './naive-bayes.ts'
import { type Transaction, taggedLabel, tokenizer } from './tokens.ts'

/** A way to categorise; writes its answers on the transactions. */
export interface Model {
  categorize(transactions: Transaction[]): Transaction[]
  classifier: NaiveBayes
}

const ASSET = '/remote/assets/bank_classifier_nb_and_voc'

/**
 * The model that hosted servers provide; others answer 404.
 * Writes `cozyCategoryId` and `cozyCategoryProba`.
 * @throws StackError, or Error for an asset that is no classifier
 */
export async function createGlobalModel(client: StackClient): Promise<Model> {
  const classifier = NaiveBayes.fromState(await client.json<Partial<BayesState>>('GET', ASSET), tokenizer)
  return {
    classifier,
    categorize(transactions) {
      for (const transaction of transactions) {
        const best = classifier.categorize(taggedLabel(transaction)).likelihoods[0]
        transaction.cozyCategoryId = best?.category
        transaction.cozyCategoryProba = best?.proba
      }
      return transactions
    },
  }
}
