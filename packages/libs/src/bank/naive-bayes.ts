import type { Tokenizer } from './tokens.ts'

/** What a multinomial naive Bayes classifier has learnt, as plain JSON. */
export interface BayesState {
  categories: Record<string, true> | Record<string, unknown>
  /** Documents per category. */
  docCount: Record<string, number>
  totalDocuments: number
  /** The tokens, as keys. */
  vocabulary: Record<string, unknown>
  vocabularySize: number
  /** Tokens per category, repetitions included. */
  wordCount: Record<string, number>
  /** Per category, how often each token was seen. */
  wordFrequencyCount: Record<string, Record<string, number>>
  options: BayesOptions
}

export interface BayesOptions {
  /** Laplace smoothing: what every token is counted for before it was ever seen. */
  alpha?: number
  /** Categories are as likely as they were frequent; otherwise all alike. */
  fitPrior?: boolean
  [other: string]: unknown
}

export interface Likelihood {
  category: string
  /** Natural logarithm of `proba`. */
  logProba: number
  proba: number
}

export interface Prediction {
  predictedCategory: string
  /** All categories, the most probable first. */
  likelihoods: Likelihood[]
}

const STATE_KEYS = [
  'categories',
  'docCount',
  'totalDocuments',
  'vocabulary',
  'vocabularySize',
  'wordCount',
  'wordFrequencyCount',
  'options',
] as const

/** Multinomial naive Bayes with Laplace smoothing; all arithmetic on logarithms, so nothing underflows. */
export class NaiveBayes implements BayesState {
  categories: Record<string, unknown> = Object.create(null)
  docCount: Record<string, number> = Object.create(null)
  totalDocuments = 0
  vocabulary: Record<string, unknown> = Object.create(null)
  vocabularySize = 0
  wordCount: Record<string, number> = Object.create(null)
  wordFrequencyCount: Record<string, Record<string, number>> = Object.create(null)
  options: BayesOptions
  readonly #tokenizer: Tokenizer

  constructor(tokenizer: Tokenizer, options: BayesOptions = {}) {
    this.#tokenizer = tokenizer
    this.options = options
  }

  /** @throws Error when a part of the state is missing */
  static fromState(state: Partial<BayesState>, tokenizer: Tokenizer): NaiveBayes {
    const missing = STATE_KEYS.filter(key => state[key] === undefined || state[key] === null)
    if (missing.length > 0) throw new Error(`not a classifier: its state has no ${missing.join(', ')}`)
    const classifier = new NaiveBayes(tokenizer, state.options)
    return Object.assign(classifier, Object.fromEntries(STATE_KEYS.map(key => [key, state[key]])))
  }

  learn(text: string, category: string): void {
    this.categories[category] = true
    this.docCount[category] = (this.docCount[category] ?? 0) + 1
    this.totalDocuments++
    this.wordFrequencyCount[category] ??= Object.create(null) as Record<string, number>
    const frequencies = this.wordFrequencyCount[category]
    let words = this.wordCount[category] ?? 0
    for (const token of this.#tokenizer(text)) {
      if (!(token in this.vocabulary)) {
        this.vocabulary[token] = true
        this.vocabularySize++
      }
      frequencies[token] = (frequencies[token] ?? 0) + 1
      words++
    }
    this.wordCount[category] = words
  }

  /** Tokens that were never seen in any category say nothing and are left out. */
  categorize(text: string): Prediction {
    const counts = new Map<string, number>()
    for (const token of this.#tokenizer(text)) {
      if (Object.hasOwn(this.vocabulary, token)) counts.set(token, (counts.get(token) ?? 0) + 1)
    }
    const categories = Object.keys(this.categories)
    const weights = categories.map(category => this.#logWeight(category, counts, categories.length))
    const total = logSumExp(weights)
    const likelihoods = categories
      .map((category, index) => {
        const logProba = (weights[index] as number) - total
        return { category, logProba, proba: Math.exp(logProba) }
      })
      .sort((a, b) => b.logProba - a.logProba)
    return { predictedCategory: likelihoods[0]?.category ?? '', likelihoods }
  }

  #logWeight(category: string, counts: Map<string, number>, categories: number): number {
    const alpha = this.options.alpha ?? 1
    const prior =
      this.options.fitPrior === false ? 1 / categories : (this.docCount[category] ?? 0) / this.totalDocuments
    const frequencies = this.wordFrequencyCount[category] ?? {}
    const all = Math.log((this.wordCount[category] ?? 0) + alpha * this.vocabularySize)
    let weight = Math.log(prior)
    for (const [token, count] of counts) {
      const seen = Object.hasOwn(frequencies, token) ? (frequencies[token] ?? 0) : 0
      weight += count * (Math.log(seen + alpha) - all)
    }
    return weight
  }
}

/** log(Σ exp(x)) without leaving the range of numbers. */
function logSumExp(values: number[]): number {
  const greatest = Math.max(...values)
  if (!Number.isFinite(greatest)) return greatest
  return greatest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - greatest), 0))
}
