import { z } from 'zod'

export const FORMAT = 'konnectory-instance'
/** Of the archive; another one means that older servers cannot read it. */
export const VERSION = 1

/** Bytes of one piece of a file, and about those of one piece of a table: what is held in memory at a time. */
export const BLOB_PIECE = 4 * 1024 * 1024
export const ROWS_PIECE = 1024 * 1024
/** A document may be large; a piece of rows ends with the row that fills it. */
export const LARGEST_PIECE = 128 * 1024 * 1024

/** `manifest.json`, the first file of an archive. */
export const manifestSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION, `This archive is of another version than ${VERSION}`),
  exportedAt: z.string(),
  /** Migrations of the database it comes from, `room/name`: what this server does not know it cannot read. */
  migrations: z.array(z.string()),
  instance: z.object({
    domain: z.string(),
    uuid: z.string(),
    locale: z.string(),
    tz: z.string(),
    context: z.string(),
    email: z.string(),
    publicName: z.string(),
    autoUpdate: z.boolean(),
    onboardingFinished: z.boolean(),
    quotaBytes: z.number().optional(),
    flags: z.record(z.string(), z.unknown()),
    createdAt: z.string(),
  }),
  /** How secrets are sealed; absent: they were left out. */
  seal: z.object({ salt: z.string(), check: z.string() }).optional(),
  /** The instance's keys, sealed. */
  secrets: z.string().optional(),
  /** Columns of each table. */
  tables: z.record(z.string(), z.array(z.string())),
})
export type Manifest = z.infer<typeof manifestSchema>

/** `end.json`, the last file: without it the archive was cut. */
export const endSchema = z.object({
  rows: z.record(z.string(), z.number()),
  blobs: z.number(),
  blobBytes: z.number(),
  /** Sentences about what is not in it. */
  leftOut: z.array(z.string()),
})
export type End = z.infer<typeof endSchema>

export const piece = (number: number): string => String(number).padStart(6, '0')
