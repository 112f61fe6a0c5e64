/** What the kernel does with a filter: classic BPF over `struct seccomp_data`, the six instructions ours use. */
export function interpret(
  program: Buffer,
  { number, architecture, args }: { number: number; architecture: number; args: number[] },
): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(architecture >>> 0, 4)
  for (const [index, value] of args.entries()) data.writeBigUInt64LE(BigInt(value >>> 0), 16 + 8 * index)
  let accumulator = 0
  for (let at = 0; at < program.length / 8; at++) {
    const code = program.readUInt16LE(at * 8)
    const [yes, no] = [program[at * 8 + 2]!, program[at * 8 + 3]!]
    const constant = program.readUInt32LE(at * 8 + 4)
    if (code === 0x20) accumulator = data.readUInt32LE(constant)
    else if (code === 0x54) accumulator = (accumulator & constant) >>> 0
    else if (code === 0x15) at += accumulator === constant ? yes : no
    else if (code === 0x35) at += accumulator >= constant ? yes : no
    else if (code === 0x25) at += accumulator > constant ? yes : no
    else if (code === 0x06) return constant
    else throw new Error(`instruction ${code.toString(16)} at ${at}`)
  }
  throw new Error('the program has no end')
}
