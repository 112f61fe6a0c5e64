/** Documents of the stack, as its HTTP API shows them (`protocol/data.md`, `protocol/files.md`). */

/** Any document: JSON with an id and a revision once stored. */
export interface Document {
  _id?: string
  _rev?: string
  _type?: string
  cozyMetadata?: CozyMetadata
  [attribute: string]: unknown
}

/** A document that the stack has stored. */
export type Stored<T extends Document = Document> = T & { _id: string; _rev: string }

/** Who made a document, and when. Dates are ISO 8601 strings. */
export interface CozyMetadata {
  doctypeVersion?: number | string
  metadataVersion?: number
  createdAt?: string
  createdByApp?: string
  createdByAppVersion?: string
  updatedAt?: string
  updatedByApps?: { slug: string; date: string; version?: string }[]
  sourceAccount?: string
  sourceAccountIdentifier?: string
  [other: string]: unknown
}

/** What the stack says of a file or directory (`files.md` section 1). `size` is a string of digits on the wire. */
export interface FileAttributes {
  type: 'file' | 'directory'
  name: string
  dir_id: string
  path?: string
  size?: string
  mime?: string
  class?: string
  md5sum?: string
  executable?: boolean
  trashed?: boolean
  created_at?: string
  updated_at?: string
  tags?: string[]
  metadata?: Record<string, unknown>
  cozyMetadata?: CozyMetadata
  [other: string]: unknown
}

/** `{type, id}`: how one document points at another. */
export interface Reference {
  type: string
  id: string
}

/** A file or directory as clients hold it: the JSON:API object with its attributes both under `attributes` and flat. */
export interface FileDocument extends FileAttributes {
  _id: string
  id: string
  _type: string
  _rev: string
  attributes: FileAttributes
  links?: Record<string, string>
  meta?: { rev?: string; [other: string]: unknown }
  relationships?: Record<string, { data?: Reference | Reference[] | null; [other: string]: unknown }>
}

/** `io.cozy.accounts`: one user's access to one vendor. */
export interface Account extends Document {
  account_type?: string
  auth?: Record<string, unknown>
  oauth?: Record<string, unknown>
  data?: Record<string, unknown>
  state?: string | null
  twoFACode?: string | null
  folderId?: string
}
