export { collectOrphanBlobs } from './collect-orphans.ts'
export { BlobMissing, type Blobs, type StoredBlob } from './contract.ts'
export { createLocalBlobs, type LocalBlobsOptions } from './local-blobs.ts'
