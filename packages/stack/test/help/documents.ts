export { createDocuments } from '../../src/ground/documents/index.ts'
export type { NewsEvent } from '../../src/ground/news/index.ts'
