import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildCategorizer } from '../../src/bank/categorization.ts'
import { createLocalModel, reweightAmounts, smoothingFor } from '../../src/bank/local-model.ts'
import { NaiveBayes } from '../../src/bank/naive-bayes.ts'
import { AMOUNT_TOKENS, type Transaction, taggedLabel, tokenizer } from '../../src/bank/tokens.ts'
import { startOperationsStack } from './stack-of-operations.ts'

const noClient = () => {
  throw new Error('no stack here')
}
const close = (actual: unknown, expected: number) =>
  assert.ok(Math.abs((actual as number) - expected) < 0.0005, `${actual} is not ${expected}`)

describe('tokens', () => {
  test('runs of three, two and one words, without accents, digits and single letters', () => {
    assert.deepEqual(tokenizer('Achat à Électro 42 Dépôt'), [
      'achat electro depot',
      'achat electro',
      'electro depot',
      'achat',
      'electro',
      'depot',
    ])
  })

  test('dates become a tag', () => {
    assert.deepEqual(tokenizer('CB 03/04/17'), ['cb tag_date', 'cb', 'tag_date'])
    assert.deepEqual(tokenizer('CB 3/4'), ['cb tag_date', 'cb', 'tag_date'])
  })

  test('tags for sign and size come before the label', () => {
    const tags = [-551, -550, -100, -20, -0.01, 0, 49, 50, 199, 200, 1199, 1200].map(amount =>
      taggedLabel({ amount, label: 'X' }).split(' ').slice(0, 2).join(' '),
    )
    assert.deepEqual(tags, [
      'tag_neg tag_v_b_expense',
      'tag_neg tag_b_expense',
      'tag_neg tag_expense',
      'tag_neg tag_noise_neg',
      'tag_neg tag_noise_neg',
      'tag_pos tag_noise_pos',
      'tag_pos tag_noise_pos',
      'tag_pos tag_income',
      'tag_pos tag_income',
      'tag_pos tag_b_income',
      'tag_pos tag_b_income',
      'tag_pos tag_activity_income',
    ])
    for (const pair of tags) assert.ok(AMOUNT_TOKENS.includes(pair))
    assert.equal(AMOUNT_TOKENS.length, 18)
  })
})

describe('naive Bayes', () => {
  const words = (text: string) => text.split(' ')

  test('gives the textbook probabilities', () => {
    const classifier = new NaiveBayes(words, { alpha: 1 })
    classifier.learn('chinese beijing chinese', 'c')
    classifier.learn('chinese chinese shanghai', 'c')
    classifier.learn('chinese macao', 'c')
    classifier.learn('tokyo japan chinese', 'j')
    // Manning, Raghavan, Schütze, "Introduction to Information Retrieval", example 13.1.
    const c = (3 / 4) * (3 / 7) ** 3 * (1 / 14) * (1 / 14)
    const j = (1 / 4) * (2 / 9) ** 3 * (2 / 9) * (2 / 9)
    const { predictedCategory, likelihoods } = classifier.categorize('chinese chinese chinese tokyo japan')
    assert.equal(predictedCategory, 'c')
    assert.ok(Math.abs((likelihoods[0]?.proba ?? 0) - c / (c + j)) < 1e-12)
  })

  test('words never seen say nothing; without them and without priors all categories are alike', () => {
    const classifier = new NaiveBayes(words, { alpha: 1, fitPrior: false })
    classifier.learn('a', 'x')
    classifier.learn('a', 'x')
    classifier.learn('b', 'y')
    assert.deepEqual(
      classifier.categorize('z constructor __proto__').likelihoods.map(item => item.proba),
      [0.5, 0.5],
    )
  })

  test('ten thousand words do not underflow', () => {
    const classifier = new NaiveBayes(words, { alpha: 1 })
    classifier.learn('a a a b', 'x')
    classifier.learn('a a b', 'y')
    const [first, second] = classifier.categorize('a '.repeat(10_000).trim()).likelihoods
    assert.equal(first?.category, 'x')
    assert.ok(Number.isFinite(second?.logProba) && (second?.logProba ?? 0) < -100)
    // ln((4/6)/(3/5)) per word, ten thousand times.
    assert.ok(Math.abs((second?.logProba ?? 0) + 10_000 * Math.log(4 / 6 / (3 / 5))) < 1e-6)
  })

  test('a state without one of its parts is refused by name', () => {
    const state = JSON.parse(JSON.stringify(new NaiveBayes(words, {})))
    assert.doesNotThrow(() => NaiveBayes.fromState(state, words))
    const { wordCount: _, ...rest } = state
    assert.throws(() => NaiveBayes.fromState(rest, words), /wordCount/)
  })
})

describe('the local model', () => {
  const learnt = [
    { amount: 3001.71, label: 'AAAA BBBB', manualCategoryId: '200110' },
    { amount: 3001.71, label: 'AAAA BBBB', manualCategoryId: '200110' },
  ]

  test('gives the published figures', async () => {
    const model = await createLocalModel(noClient, { customTransactionFetcher: () => learnt })
    const transactions = [
      { amount: 3001.71, label: 'AAAA BBBB' },
      { amount: -37.71, label: 'CCCC DDDD' },
      { amount: -387.71, label: 'EEEE' },
      { amount: 387.71, label: 'HHHH AAAA BBBB' },
      { amount: -907.71, label: 'FFFF GGGG' },
    ]
    const answers = model.categorize(transactions)
    assert.equal(answers, transactions)
    for (const [index, expected] of [0.8072, 0.1, 0.1, 0.6667, 0.1].entries()) {
      close(answers[index]?.localCategoryProba, expected)
    }
    assert.deepEqual(
      answers.map(answer => answer.localCategoryId),
      ['200110', '0', '0', '200110', '0'],
    )
  })

  test('learns the operations categorised by hand, all of them', async () => {
    await using stack = await startOperationsStack([
      { _id: '1', amount: -10, label: 'boulangerie', manualCategoryId: '400110' },
      { _id: '2', amount: -60, label: 'essence', manualCategoryId: '400210' },
      { _id: '3', amount: -60, label: 'nothing' },
    ])
    const model = await createLocalModel(() => stack.client)
    assert.deepEqual(Object.keys(model.classifier.categories), ['400110', '400210'])
    assert.equal(model.categorize([{ amount: -12, label: 'Boulangerie Paul' }])[0]?.localCategoryId, '400110')
  })

  test('answers with what it was taught before: pretrainedClassifier', async () => {
    const pretrainedClassifier = new NaiveBayes(tokenizer, { alpha: 1 })
    pretrainedClassifier.learn(taggedLabel({ amount: -10, label: 'boulangerie' }), '400110')
    const model = await createLocalModel(noClient, { pretrainedClassifier })
    assert.equal(model.categorize([{ amount: -9, label: 'BOULANGERIE' }])[0]?.localCategoryId, '400110')
  })

  test('answers only when it knows more than a tenth of the tokens of the label', async () => {
    const model = await createLocalModel(noClient, { customTransactionFetcher: () => learnt })
    const answers = (label: string) => model.categorize([{ amount: 1, label }])[0]?.localCategoryId
    // One word more: 3 tokens for each word, less 3.
    assert.equal(answers('aaaa xb xc xd'), '200110', 'one of nine')
    assert.equal(answers('aaaa xb xc xd xe'), '0', 'one of twelve')
    assert.equal(answers('42'), '0', 'no token at all')
  })

  test('cannot learn from nothing', async () => {
    await assert.rejects(createLocalModel(noClient, { customTransactionFetcher: () => [] }), /manualCategoryId/)
  })

  test('smooths with 1 for one category, else 12 / (n + 1) between 2 and 4', () => {
    assert.deepEqual([1, 2, 3, 10, 20, 500].map(smoothingFor), [1, 4, 3, 2, 2, 2])
  })

  test('amounts count 1 + ln(count)', () => {
    const classifier = new NaiveBayes(tokenizer, {})
    for (let i = 0; i < 4; i++) classifier.learn('tag_neg bread', 'x')
    reweightAmounts(classifier)
    assert.equal(classifier.wordFrequencyCount.x?.tag_neg, 1 + Math.log(4))
    assert.equal(classifier.wordFrequencyCount.x?.bread, 4)
    assert.equal(classifier.wordCount.x, 8 + 1 + Math.log(4))
  })
})

describe('a categoriser', () => {
  const asset = () => {
    const classifier = new NaiveBayes(tokenizer, { alpha: 1 })
    classifier.learn(taggedLabel({ amount: -10, label: 'boulangerie' }), '400110')
    classifier.learn(taggedLabel({ amount: -60, label: 'essence' }), '400210')
    return JSON.parse(JSON.stringify(classifier))
  }

  test('writes what both models say', async () => {
    await using stack = await startOperationsStack(
      [{ _id: '1', amount: -10, label: 'boulangerie', manualCategoryId: '999999' }],
      asset(),
    )
    const categorizer = await buildCategorizer({ client: () => stack.client, warn: assert.fail })
    const [answer] = categorizer.categorize([{ amount: -11, label: 'BOULANGERIE' }])
    const { cozyCategoryId, localCategoryId, cozyCategoryProba } = answer as unknown as Record<string, unknown>
    assert.deepEqual([cozyCategoryId, localCategoryId], ['400110', '999999'])
    assert.ok((cozyCategoryProba as number) > 0.5)
    assert.equal(categorizer.classifiers.length, 2)
  })

  test('teaches itself with what customTransactionFetcher gives, not with the operations of the owner', async () => {
    await using stack = await startOperationsStack(
      [{ _id: '1', amount: -10, label: 'boulangerie', manualCategoryId: '1' }],
      asset(),
    )
    const customTransactionFetcher = async () => [{ amount: -10, label: 'boulangerie', manualCategoryId: '2' }]
    const place = { client: () => stack.client, warn: assert.fail }
    const categorizer = await buildCategorizer(place, { customTransactionFetcher })
    const [answer]: Transaction[] = categorizer.categorize([{ amount: -10, label: 'boulangerie' }])
    assert.equal(answer?.localCategoryId, '2')
    assert.deepEqual(stack.requests, ['GET /remote/assets/bank_classifier_nb_and_voc'])
  })

  test('without any model leaves everything as it is, and says why twice', async () => {
    await using stack = await startOperationsStack([])
    const told: string[] = []
    const categorizer = await buildCategorizer({ client: () => stack.client, warn: message => void told.push(message) })
    assert.deepEqual(categorizer.categorize([{ amount: 1, label: 'x' }]), [{ amount: 1, label: 'x' }])
    assert.equal(told.length, 2)
  })

  test('does not ask for the global model when told not to', async () => {
    await using stack = await startOperationsStack([], asset())
    await buildCategorizer({ client: () => stack.client, warn() {} }, { useGlobalModel: false })
    assert.deepEqual(stack.requests, ['POST /data/io.cozy.bank.operations/_find'])
  })
})
