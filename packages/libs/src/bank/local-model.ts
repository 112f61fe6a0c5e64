import type { StackClient } from '@konnectory/client'
import { OPERATIONS } from './bank-types.ts'
import type { Model } from './global-model.ts'
import { NaiveBayes } from './naive-bayes.ts'
import { AMOUNT_TOKENS, type Transaction, taggedLabel, tokenizer } from './tokens.ts'

const FALLBACK = { category: '0', proba: 0.1 }
/** Share of a label's tokens the model must know before it is asked. */
const KNOWN_SHARE = 0.1
/** With one category there would be nothing to tell it from. */
const FAKE = { text: 'thisisafaketransaction', category: FALLBACK.category }

export interface LocalModelOptions {
  /** Gives the transactions to learn from instead of the owner's. */
  customTransactionFetcher?: () => Transaction[] | Promise<Transaction[]>
  /** A classifier that has learnt already. */
  pretrainedClassifier?: Pick<NaiveBayes, 'categorize' | 'vocabulary'>
}

/**
 * What the owner's own corrections teach. Writes `localCategoryId` and `localCategoryProba`.
 * @throws Error when the owner has categorised nothing by hand
 */
export async function createLocalModel(client: () => StackClient, options: LocalModelOptions = {}): Promise<Model> {
  const classifier = (options.pretrainedClassifier ?? (await train(client, options))) as NaiveBayes
  return {
    classifier,
    categorize(transactions) {
      for (const transaction of transactions) {
        const best = isKnown(transaction.label, classifier)
          ? (classifier.categorize(taggedLabel(transaction)).likelihoods[0] ?? FALLBACK)
          : FALLBACK
        transaction.localCategoryId = best.category
        transaction.localCategoryProba = best.proba
      }
      return transactions
    },
  }
}

function isKnown(label: string, classifier: Pick<NaiveBayes, 'vocabulary'>): boolean {
  const tokens = tokenizer(label)
  const known = tokens.filter(token => Object.hasOwn(classifier.vocabulary, token))
  return known.length / tokens.length > KNOWN_SHARE
}

async function train(client: () => StackClient, options: LocalModelOptions): Promise<NaiveBayes> {
  const transactions = await (options.customTransactionFetcher?.() ?? fetchCategorised(client()))
  if (transactions.length === 0) {
    throw new Error(
      'the local model needs operations that were categorised by hand (manualCategoryId), and there are none',
    )
  }
  const categories = new Set(transactions.map(transaction => transaction.manualCategoryId)).size
  const classifier = new NaiveBayes(tokenizer, { alpha: smoothingFor(categories), fitPrior: false })
  for (const lesson of transactions) classifier.learn(taggedLabel(lesson), String(lesson.manualCategoryId))
  if (categories === 1) classifier.learn(FAKE.text, FAKE.category)
  // Twice, as it always was: the published figures come from that.
  reweightAmounts(classifier)
  reweightAmounts(classifier)
  return classifier
}

function fetchCategorised(client: StackClient): Promise<Transaction[]> {
  return client.data.findAll<Transaction>(OPERATIONS, { selector: { manualCategoryId: { $exists: true } } })
}

/** Laplace smoothing for a number of categories: 1 for one, else 12 / (n + 1) within 2 and 4. */
export function smoothingFor(categories: number): number {
  return categories === 1 ? 1 : Math.min(4, Math.max(2, 12 / (categories + 1)))
}

/** Every transaction has an amount, so its tokens would drown the words: their counts become 1 + ln(count). */
export function reweightAmounts(classifier: NaiveBayes): void {
  for (const [category, frequencies] of Object.entries(classifier.wordFrequencyCount)) {
    for (const token of AMOUNT_TOKENS) {
      const count = frequencies[token]
      if (!count) continue
      const weight = 1 + Math.log(count)
      frequencies[token] = weight
      classifier.wordCount[category] = (classifier.wordCount[category] ?? 0) - count + weight
    }
  }
}
