/**
 * Turns a table of system calls into a classic BPF program, the bytes `bwrap --seccomp FD` wants. A record is eight bytes:
 * code (16 bits), jump if true (8), jump if false (8), constant (32); the kernel's documentation calls it `struct sock_filter`.
 */

const LOAD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_AT_LEAST = 0x35
const JUMP_GREATER = 0x25
const AND = 0x54
const RETURN = 0x06

/** Offsets inside `struct seccomp_data`. */
const NUMBER = 0
const ARCHITECTURE = 4
const argumentAt = (index: number) => 16 + 8 * index

export const ALLOW = 0x7fff0000
/** The whole process: the older value, for the thread alone, leaves Node hanging until the limit (sandbox.md, traps 3). */
export const KILL_PROCESS = 0x80000000
/** The call fails with this errno. */
export const fails = (errno: number) => 0x00050000 | errno

export type Architecture = 'x64' | 'arm64'

/** What the kernel says a call was made as; a 32-bit call on a 64-bit kernel has another value, and other numbers. */
const AUDIT_ARCHITECTURE: Record<Architecture, number> = { x64: 0xc000003e, arm64: 0xc00000b7 }
/** Calls of the x32 ABI carry this bit and pass for x64. */
const X32_BIT = 0x40000000

/** A comparison of the low 32 bits of an argument, after `mask`. */
export interface Comparison {
  argument: number
  mask?: number
  equals: number
}

/** The first clause all of whose comparisons hold decides; none: `otherwise`. */
export interface ArgumentRule {
  clauses: { all: Comparison[]; action: number }[]
  otherwise: number
}

export interface Policy {
  architecture: Architecture
  numbers: Readonly<Record<string, number>>
  /** By name; names this architecture does not have are passed over. */
  actions: Readonly<Record<string, number>>
  arguments: Readonly<Record<string, ArgumentRule>>
  otherwise: number
}

interface Instruction {
  code: number
  constant: number
  whenTrue?: string | undefined
  whenFalse?: string | undefined
}

/** @returns the program, 8 bytes an instruction. Throws when a jump does not fit its 8 bits. */
export function assemble(policy: Policy): Buffer {
  const program: Instruction[] = []
  const labels = new Map<string, number>()
  let made = 0
  const label = () => `L${made++}`
  const place = (name: string) => labels.set(name, program.length)
  const put = (code: number, constant: number, whenTrue?: string, whenFalse?: string) =>
    program.push({ code, constant: constant >>> 0, whenTrue, whenFalse })
  /** Goes on when the test holds, else returns `action`. */
  const guard = (code: number, constant: number, action: number, wanted: boolean) => {
    const [on, off] = [label(), label()]
    put(code, constant, wanted ? on : off, wanted ? off : on)
    place(off)
    put(RETURN, action)
    place(on)
  }

  put(LOAD, ARCHITECTURE)
  guard(JUMP_EQUAL, AUDIT_ARCHITECTURE[policy.architecture], KILL_PROCESS, true)
  put(LOAD, NUMBER)
  if (policy.architecture === 'x64') guard(JUMP_AT_LEAST, X32_BIT, KILL_PROCESS, false)

  for (const [name, rule] of Object.entries(policy.arguments)) {
    const number = policy.numbers[name]
    if (number === undefined) continue
    const [body, end] = [label(), label()]
    put(JUMP_EQUAL, number, body, end)
    place(body)
    for (const { all, action } of rule.clauses) {
      const next = label()
      for (const { argument, mask, equals } of all) {
        const holds = label()
        put(LOAD, argumentAt(argument))
        if (mask !== undefined) put(AND, mask)
        put(JUMP_EQUAL, equals, holds, next)
        place(holds)
      }
      put(RETURN, action)
      place(next)
    }
    put(RETURN, rule.otherwise)
    place(end)
  }

  for (const { low, high, action } of ranges(policy)) {
    const [hit, miss] = [label(), label()]
    if (low === high) put(JUMP_EQUAL, low, hit, miss)
    else {
      const inside = label()
      put(JUMP_AT_LEAST, low, inside, miss)
      place(inside)
      put(JUMP_GREATER, high, miss, hit)
    }
    place(hit)
    put(RETURN, action)
    place(miss)
  }
  put(RETURN, policy.otherwise)
  return encode(program, labels)
}

/** Neighbouring numbers of one action become one range. */
function ranges({ numbers, actions, arguments: withArguments }: Policy) {
  const merged: { low: number; high: number; action: number }[] = []
  const flat = Object.entries(actions)
    .filter(([name]) => !(name in withArguments))
    .map(([name, action]) => ({ number: numbers[name], action }))
    .filter((entry): entry is { number: number; action: number } => entry.number !== undefined)
    .sort((a, b) => a.number - b.number)
  for (const { number, action } of flat) {
    const last = merged.at(-1)
    if (last?.action === action && last.high === number - 1) last.high = number
    else merged.push({ low: number, high: number, action })
  }
  return merged
}

function encode(program: Instruction[], labels: Map<string, number>): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  for (const [position, { code, constant, whenTrue, whenFalse }] of program.entries()) {
    const distance = (name: string | undefined) => {
      if (name === undefined) return 0
      const found = labels.get(name)! - position - 1
      if (found < 0 || found > 255) throw new RangeError(`A jump of ${found} instructions does not fit a filter.`)
      return found
    }
    bytes.writeUInt16LE(code, position * 8)
    bytes[position * 8 + 2] = distance(whenTrue)
    bytes[position * 8 + 3] = distance(whenFalse)
    bytes.writeUInt32LE(constant, position * 8 + 4)
  }
  return bytes
}
