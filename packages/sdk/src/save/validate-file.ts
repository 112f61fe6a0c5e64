import type { FileDocument } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'
import { bareType, typesOfName } from './mime-types.ts'

/** What the default check looks at. */
export interface Checked {
  name: string
  /** Bytes; absent: not known yet. */
  size?: number | string | undefined
  mime?: string | undefined
}

/** Why this file is not good (`sdk/exports.md`, createFile), or `undefined`: empty, or of another type than its name says. */
export function fileDefect({ name, size, mime }: Checked): 'BAD_FILE_SIZE' | 'BAD_MIME_TYPE' | undefined {
  if (size !== undefined && Number(size) === 0) return 'BAD_FILE_SIZE'
  const accepted = typesOfName(name)
  if (mime && accepted.length > 0 && !accepted.includes(bareType(mime))) return 'BAD_MIME_TYPE'
  return undefined
}

/** Name, size and type of a stored file, from `attributes` first. */
export function checkedPart(file: FileDocument): Checked {
  const attributes = file.attributes ?? file
  return { name: attributes.name, size: attributes.size ?? file.size, mime: attributes.mime ?? file.mime }
}

/** The default of `options.validateFile`; says in the log what is wrong. */
export function defaultValidateFile(context: SaveContext, file: FileDocument): boolean {
  const checked = checkedPart(file)
  const defect = fileDefect(checked)
  if (defect) context.log('warn', `${checked.name}: ${defect} (${checked.size} bytes, ${checked.mime})`, defect)
  return defect === undefined
}
