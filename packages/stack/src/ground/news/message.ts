import type { Tenant } from '../tenant.ts'
import type { NewsEvent } from './contract.ts'

/** What one process tells the others. */
export type Item =
  /** Positions of a feed, first and last, that were committed. */
  | { tenant: Tenant; doctype: string; epoch: string; from: number; to: number }
  /** An event that is in no feed. */
  | { tenant: Tenant; event: LooseEvent }
  /** One that is too large, kept in the table. */
  | { tenant: Tenant; stored: string }
  /** News of this process got lost. */
  | { lost: true }

export type LooseEvent = Pick<NewsEvent, 'verb' | 'doctype' | 'id' | 'doc'>

/** Bytes of a notification; PostgreSQL takes less than 8000. */
export const MOST_BYTES = 7_900
/** `<sender> <number> [items]`: who sent it can be seen without parsing. */
const HEAD = /^([0-9a-f]{16}) (\d+) /

export const textOf = (item: Item): string => JSON.stringify(item)

/** No more of a tenant than others may know: an instance has more members. */
export const plainTenant = ({ id, domain, oldDomain, url, locale }: Tenant): Tenant => ({
  id,
  domain,
  ...(oldDomain !== undefined && { oldDomain }),
  url,
  locale,
})

/** Whether an item fits in a message by itself. */
export const fits = (text: string): boolean => Buffer.byteLength(text) + HEAD_BYTES <= MOST_BYTES

/** Sender, number, brackets. */
const HEAD_BYTES = 16 + 1 + 16 + 1 + 2

/** Puts items, as texts, into as few messages as they fit. @param next gives each message its number */
export function pack(sender: string, next: () => number, items: string[]): string[] {
  const messages: string[] = []
  let open: string[] = []
  let bytes = HEAD_BYTES
  const close = () => {
    if (open.length > 0) messages.push(`${sender} ${next()} [${open.join(',')}]`)
    open = []
    bytes = HEAD_BYTES
  }
  for (const item of items) {
    const size = Buffer.byteLength(item) + 1
    if (bytes + size > MOST_BYTES) close()
    open.push(item)
    bytes += size
  }
  close()
  return messages
}

/** @returns undefined for what no Konnectory sent */
export function unpack(text: string): { sender: string; number: number; items(): Item[] } | undefined {
  const head = HEAD.exec(text)
  if (!head) return undefined
  return {
    sender: head[1]!,
    number: Number(head[2]),
    items: () => JSON.parse(text.slice(head[0].length)) as Item[],
  }
}
