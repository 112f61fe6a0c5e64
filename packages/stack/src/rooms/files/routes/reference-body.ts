import type { Reference } from '@konnectory/protocol'
import { z } from 'zod'

/** As many as one change takes. */
const MOST = 10_000
/** Bytes; both stand in index entries. */
const LONGEST_TYPE = 256
const LONGEST_ID = 1024

const part = (longest: number) =>
  z
    .string()
    .min(1)
    .refine(text => text.isWellFormed() && !text.includes('\0'), 'is no valid text')
    .refine(text => Buffer.byteLength(text) <= longest, `is longer than ${longest} bytes`)

const reference = z.object({ type: part(LONGEST_TYPE), id: part(LONGEST_ID) })

/** `{"data": […]}`, or one identifier alone (`protocol/conventions.md` §1). */
export const referenceBody = z.object({ data: z.union([z.array(reference).max(MOST), reference]) })

export type ReferenceBody = z.infer<typeof referenceBody>

export const referencesIn = ({ data }: ReferenceBody): Reference[] => (Array.isArray(data) ? data : [data])
