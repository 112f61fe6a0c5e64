export { DataFileInUseError, lockDataFile } from './data-file-lock.ts'
export { DataFileNotSavedError } from './documents/keeper.ts'
export type { DocumentEvent, FileEvent, StackEvent } from './events.ts'
export type { FileRecord } from './files/file-record.ts'
export { ROOT_DIR_ID, TRASH_DIR_ID } from './files/file-record.ts'
export { JsonFileError, parseJsonWithComments } from './json-with-comments.ts'
export {
  createLocalStack,
  type ListeningStack,
  type LocalStack,
  type LocalStackOptions,
  type StackWatch,
} from './local-stack.ts'
