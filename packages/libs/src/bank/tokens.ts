/** The words a bank operation is recognised by (`sdk/exports.md` section 15). */

export type Tokenizer = (text: string) => string[]

/** Longest run of words that counts as one token. */
const LONGEST_RUN = 3

/**
 * Without accents, case, digits and signs; dates become `tag_date`; words of two letters or more; then every run of three
 * words, of two, of one.
 */
export const tokenizer: Tokenizer = text => {
  const clean = text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/\d{1,2}\/\d{1,2}(?:\/\d{2,4})?/g, ' tag_date ')
    .replace(/[^a-zA-Z_ ]/g, '')
  const words = clean.split(/\s+/).filter(word => word.length >= 2)
  const tokens: string[] = []
  for (let length = LONGEST_RUN; length > 0; length--) {
    for (let start = 0; start + length <= words.length; start++) {
      tokens.push(words.slice(start, start + length).join(' '))
    }
  }
  return tokens
}

/** What is read of an operation. */
export interface Transaction {
  label: string
  amount: number
  manualCategoryId?: string
  [attribute: string]: unknown
}

const SIGNS = { negative: 'tag_neg', positive: 'tag_pos' } as const

/** Each tag is for amounts under its bound, in currency units. */
const MAGNITUDES: [number, string][] = [
  [-550, 'tag_v_b_expense'],
  [-100, 'tag_b_expense'],
  [-20, 'tag_expense'],
  [0, 'tag_noise_neg'],
  [50, 'tag_noise_pos'],
  [200, 'tag_income'],
  [1200, 'tag_b_income'],
  [Number.POSITIVE_INFINITY, 'tag_activity_income'],
]

/** The text a model reads: tags for the sign and the size of the amount, then the label. */
export function taggedLabel(transaction: Pick<Transaction, 'label' | 'amount'>): string {
  const { amount } = transaction
  const sign = amount < 0 ? SIGNS.negative : SIGNS.positive
  const magnitude = MAGNITUDES.find(([bound]) => amount < bound)?.[1] ?? 'tag_activity_income'
  return `${sign} ${magnitude} ${transaction.label.toLowerCase()}`
}

/** The tokens that come from an amount: signs, sizes, and a sign with a size that can go with it. */
export const AMOUNT_TOKENS: readonly string[] = [
  ...Object.values(SIGNS),
  ...MAGNITUDES.flatMap(([bound, tag]) => [tag, `${bound <= 0 ? SIGNS.negative : SIGNS.positive} ${tag}`]),
]
