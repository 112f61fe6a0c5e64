export type * from './documents.ts'
export * from './error-codes.ts'
export * from './manifest/index.ts'
