/** Numbers that are the same for the same seed, on every machine. */
export interface Random {
  /** 0 ≤ n < below, whole. */
  int(below: number): number
  chance(part: number): boolean
  pick<T>(from: readonly T[]): T
  bytes(length: number): Buffer
  /** A seed for another generator. */
  seed(): number
}

/** Mulberry32: 32 bits of state, far more than a choice among odd values needs. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const int = (below: number) => Math.floor((next() / 2 ** 32) * below)
  return {
    int,
    chance: part => next() / 2 ** 32 < part,
    pick: from => from[int(from.length)]!,
    bytes: length => Buffer.from(Uint8Array.from({ length }, () => next() & 255)),
    seed: next,
  }
}

/** A seed for the n-th case of a run: cases do not depend on each other. */
export const seedOf = (seed: number, number: number) => Math.imul((seed ^ 0x9e3779b9) + number, 0x85ebca6b) >>> 0
