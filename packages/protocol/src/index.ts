export type * from './documents.ts'
export * from './manifest/index.ts'
export * from './error-codes.ts'
