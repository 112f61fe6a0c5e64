/** What a konnector may be made of. A large published one has some hundred files and 10 MB; these leave room for ten of it. */
export interface ArchiveLimits {
  /** Bytes of the archive as it travels; the registry's own limit (`protocol/konnectors-api.md` §7). */
  packed: number
  /** Bytes of all files together. */
  unpacked: number
  /** Bytes of one file. */
  file: number
  /** Files and directories. */
  entries: number
  /** Unpacked over packed, once `RATIO_FROM` bytes came out: code packs to a quarter or a tenth, a bomb to a thousandth. */
  ratio: number
}

const MiB = 1024 * 1024
export const LIMITS: ArchiveLimits = {
  packed: 20 * MiB,
  unpacked: 200 * MiB,
  file: 64 * MiB,
  entries: 5_000,
  ratio: 100,
}
/** Less than this harms nobody, however well it packs. */
export const RATIO_FROM = 4 * MiB

/** What came is nothing we take: no archive, too large, or made to harm. `message` is for the person who installs. */
export class ArchiveRefused extends Error {
  override name = 'ArchiveRefused'
}

/** Counts what comes out. Each method throws ArchiveRefused at the first byte or entry too many. */
export function createMeter({ unpacked, file, entries, ratio }: ArchiveLimits, packed?: number) {
  let bytes = 0
  let count = 0
  return {
    entry(name: string, size: number): void {
      if (++count > entries) throw new ArchiveRefused(`It holds more than ${entries} files`)
      if (size > file) throw new ArchiveRefused(`${name} is larger than ${file} bytes`)
      bytes += size
      if (bytes > unpacked) throw new ArchiveRefused(`Its files have more than ${unpacked} bytes together`)
      if (packed !== undefined && bytes > RATIO_FROM && bytes > packed * ratio)
        throw new ArchiveRefused(`It unpacks to more than ${ratio} times its size`)
    },
  }
}

export type Meter = ReturnType<typeof createMeter>
