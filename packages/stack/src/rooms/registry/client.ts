import type { RegistryObject } from './documents.ts'

/** What a page of a registry's list is asked with. */
export interface ListQuery {
  limit: number
  /** Opaque, of this registry; absent: from the start. */
  cursor?: string | undefined
  sort?: string | undefined
  versionsChannel?: string | undefined
  latestChannelVersion?: string | undefined
  /** `type`, `editor`, `select`, `reject`. */
  filter: Record<string, string>
}

export interface ListPage {
  data: RegistryObject[]
  /** Absent: this was the last page. */
  nextCursor?: string | undefined
}

export interface Asset {
  bytes: Buffer
  /** As the registry says it, or by the name; not to be believed. */
  type: string
}

/** One registry. Undefined is "it has none"; `Unreachable` is thrown when it does not answer. */
export interface RegistryClient {
  /** For people: its URL, or the folder. */
  name: string
  application(slug: string): Promise<RegistryObject | undefined>
  versions(slug: string): Promise<RegistryObject | undefined>
  version(slug: string, version: string): Promise<RegistryObject | undefined>
  /** @param channel passed on when it is none we know */
  latest(slug: string, channel: string): Promise<RegistryObject | undefined>
  list(query: ListQuery): Promise<ListPage>
  slugs(): Promise<string[]>
  maintenance(): Promise<RegistryObject[]>
  /** @param path below `/registry/<slug>/`: `icon`, `1.0.0/screenshots/a.png`, `beta/latest/partnership_icon` */
  asset(slug: string, path: string): Promise<Asset | undefined>
  /**
   * The bytes of a version's archive, whatever they are: who asks compares the checksum.
   * @param url the version's own
   */
  archive(slug: string, version: string, url: string, signal?: AbortSignal): Promise<Buffer>
}
