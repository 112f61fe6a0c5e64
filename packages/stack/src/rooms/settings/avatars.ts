import { sql } from 'kysely'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'

/** Bytes; a picture of 512 × 512 has a few dozen thousand. */
export const LARGEST_AVATAR = 1024 * 1024

export interface Avatar {
  mime: string
  content: Buffer
  updatedAt: Date
}

/** First bytes of the pictures that are accepted. No SVG: it is a document that can hold scripts. */
const PICTURES: [mime: string, test: (bytes: Buffer) => boolean][] = [
  ['image/png', bytes => bytes.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))],
  ['image/jpeg', bytes => bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))],
  ['image/gif', bytes => /^GIF8[79]a/.test(bytes.subarray(0, 6).toString('latin1'))],
  ['image/webp', bytes => /^RIFF....WEBP/s.test(bytes.subarray(0, 12).toString('latin1'))],
]

/** The type of a picture by what it holds, whatever the sender says. @returns undefined for what is none */
export const pictureType = (bytes: Buffer): string | undefined => PICTURES.find(([, is]) => is(bytes))?.[0]

/** The picture of each person. */
export const createAvatars = ({ database, clock }: Pick<Ground, 'database' | 'clock'>) => ({
  async get(tenant: Tenant): Promise<Avatar | undefined> {
    const { rows } = await sql<{ mime: string; content: Buffer; updated_at: Date }>`
      select mime, content, updated_at from avatars where instance_id = ${tenant.id}`.execute(database.query)
    const row = rows[0]
    return row && { mime: row.mime, content: row.content, updatedAt: row.updated_at }
  },
  async put(tenant: Tenant, mime: string, content: Buffer): Promise<void> {
    await sql`insert into avatars (instance_id, mime, content, updated_at)
      values (${tenant.id}, ${mime}, ${content}, ${clock.now()})
      on conflict (instance_id) do update
        set mime = excluded.mime, content = excluded.content, updated_at = excluded.updated_at`.execute(database.query)
  },
  async remove(tenant: Tenant): Promise<void> {
    await sql`delete from avatars where instance_id = ${tenant.id}`.execute(database.query)
  },
})

export type Avatars = ReturnType<typeof createAvatars>
