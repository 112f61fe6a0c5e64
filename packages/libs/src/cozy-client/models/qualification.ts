import { KNOWN_VALUES, QUALIFICATIONS } from './qualification-labels.ts'

/** What a file is, in the ecosystem's words; stored in `metadata.qualification`. */
export interface QualificationAttributes {
  label?: string
  purpose?: string | undefined
  sourceCategory?: string | undefined
  sourceSubCategory?: string | undefined
  subjects?: string[] | undefined
}

/**
 * The meaning of a label, which may be completed where the table says nothing.
 * `Qualification.getByLabel('phone_invoice')` is what konnectors put in `metadata.qualification`.
 */
export class Qualification implements QualificationAttributes {
  readonly label: string
  readonly purpose: string | undefined
  readonly sourceCategory: string | undefined
  readonly sourceSubCategory: string | undefined
  readonly subjects: string[] | undefined

  /** @throws Error on an unknown label */
  constructor(label: string, attributes: QualificationAttributes = {}) {
    const known = lookUp(label)
    if (!known) throw new Error(`No qualification found for the label ${label}`)
    this.label = label
    this.purpose = attributes.purpose || known.purpose
    this.sourceCategory = attributes.sourceCategory || known.sourceCategory
    this.sourceSubCategory = attributes.sourceSubCategory || known.sourceSubCategory
    this.subjects = attributes.subjects || known.subjects
  }

  /** @throws Error on an unknown label */
  static getByLabel(label: string): Qualification {
    return new Qualification(label)
  }

  setPurpose(purpose: string): Qualification {
    return new Qualification(this.label, { ...this.toQualification(), purpose })
  }

  setSourceCategory(sourceCategory: string): Qualification {
    return new Qualification(this.label, { ...this.toQualification(), sourceCategory })
  }

  setSourceSubCategory(sourceSubCategory: string): Qualification {
    return new Qualification(this.label, { ...this.toQualification(), sourceSubCategory })
  }

  setSubjects(subjects: string[]): Qualification {
    return new Qualification(this.label, { ...this.toQualification(), subjects })
  }

  /**
   * Checks attributes given for this label: what the table says must be kept, subjects may be added; elsewhere any value
   * goes, an unknown one with a remark on the console.
   * @throws Error that names the attribute at odds
   */
  checkAttributes(attributes: QualificationAttributes): void {
    for (const name of ['purpose', 'sourceCategory', 'sourceSubCategory'] as const) {
      const [expected, given] = [this[name], attributes[name]]
      if (expected === given) continue
      if (expected) throw new Error(`The ${name} for the label ${this.label} should be ${expected}.`)
      remarkUnknown(name, [given])
    }
    const given = attributes.subjects ?? []
    if (this.subjects?.some(subject => !given.includes(subject))) {
      throw new Error(`The subjects for the label ${this.label} should include ${this.subjects}.`)
    }
    remarkUnknown(
      'subjects',
      given.filter(subject => !this.subjects?.includes(subject)),
    )
  }

  toQualification(): QualificationAttributes & { label: string } {
    const { label, purpose, sourceCategory, sourceSubCategory, subjects } = this
    return { label, purpose, sourceCategory, sourceSubCategory, subjects }
  }
}

interface Qualified {
  metadata?: Record<string, unknown>
}

/** Puts a qualification in a document's metadata. @returns the same document @throws Error when it has no label or breaks its rules */
export function setQualification<T extends Qualified>(document: T, qualification: QualificationAttributes): T {
  if (!qualification.label) throw new Error('You must set a label to qualify')
  new Qualification(qualification.label).checkAttributes(qualification)
  document.metadata = { ...document.metadata, qualification }
  return document
}

/** @returns the qualification of a document, completed by the table; null when it has none */
export function getQualification(document: Qualified): QualificationAttributes | null {
  const stored = document.metadata?.qualification as QualificationAttributes | undefined
  return stored?.label ? new Qualification(stored.label, stored).toQualification() : null
}

/** Every known label. */
export function qualificationLabels(): string[] {
  return QUALIFICATIONS.flatMap(([, labels]) => labels.split(' '))
}

const word = (text: string | undefined) => (text && text !== '-' ? text : undefined)

function lookUp(label: string): QualificationAttributes | undefined {
  const row = QUALIFICATIONS.find(([, labels]) => labels.split(' ').includes(label))
  if (!row) return undefined
  const [purpose, source, subjects] = row[0].split(' ')
  const [category, subCategory] = (source ?? '').split('/')
  return {
    purpose: word(purpose),
    sourceCategory: word(category),
    sourceSubCategory: word(subCategory),
    subjects: word(subjects)?.split(','),
  }
}

function remarkUnknown(name: keyof typeof KNOWN_VALUES, values: (string | undefined)[]): void {
  const known = KNOWN_VALUES[name].split(' ')
  const unknown = values.filter(value => value !== undefined && !known.includes(value))
  if (unknown.length > 0) console.info(`Not among the known values of ${name}: ${unknown.join(', ')}`)
}
