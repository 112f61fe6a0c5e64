import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALLOW, type Architecture, assemble, fails, KILL_PROCESS } from '../../src/seccomp/assemble.ts'
import { allowed, lethal, refused } from '../../src/seccomp/calls.ts'
import { kafelPolicy } from '../../src/seccomp/kafel.ts'
import { EAFNOSUPPORT, ENOSYS, EPERM, konnectorFilter, konnectorPolicy } from '../../src/seccomp/policy.ts'
import { interpret } from './interpreter.ts'

const audit = { x64: 0xc000003e, arm64: 0xc00000b7 }

for (const architecture of ['x64', 'arm64'] as Architecture[]) {
  const policy = konnectorPolicy(architecture)
  const filter = assemble(policy)
  const ask = (name: string, ...args: number[]) =>
    interpret(filter, { number: policy.numbers[name]!, architecture: audit[architecture], args })

  test(`${architecture}: the filter says of each call what its list says`, () => {
    for (const [list, action] of [
      [allowed, ALLOW],
      [refused, fails(EPERM)],
      [lethal, KILL_PROCESS],
    ] as const) {
      for (const name of list) if (policy.numbers[name] !== undefined) assert.equal(ask(name), action, name)
    }
  })

  test(`${architecture}: every other number, known or not, fails with ENOSYS`, () => {
    const known = new Set(
      [...allowed, ...refused, ...lethal, 'socket', 'clone', 'ioctl'].map(name => policy.numbers[name]),
    )
    for (let number = 0; number < 1024; number++) {
      if (known.has(number)) continue
      assert.equal(
        interpret(filter, { number, architecture: audit[architecture], args: [] }),
        fails(ENOSYS),
        `call ${number}`,
      )
    }
  })

  test(`${architecture}: sockets by family and type, whatever flags are set`, () => {
    const [CLOEXEC, NONBLOCK] = [0o2000000, 0o4000]
    for (const family of [1, 2, 10]) {
      for (const flags of [0, CLOEXEC, CLOEXEC | NONBLOCK]) {
        assert.equal(ask('socket', family, 1 | flags, 0), ALLOW)
        assert.equal(ask('socket', family, 2 | flags, 0), ALLOW)
        assert.equal(ask('socket', family, 3 | flags, 0), fails(EAFNOSUPPORT), 'raw')
      }
    }
    assert.equal(ask('socket', 16, 3, 0), ALLOW, 'route')
    for (let family = 0; family < 64; family++) {
      if (![1, 2, 10].includes(family))
        assert.equal(ask('socket', family, 2, 1), fails(EAFNOSUPPORT), `family ${family}`)
    }
  })

  test(`${architecture}: clone makes threads and children, not namespaces`, () => {
    assert.equal(ask('clone', 17), ALLOW)
    assert.equal(ask('clone', 0x3d0f00), ALLOW, 'a thread')
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      assert.equal(ask('clone', flag | 17), fails(EPERM), flag.toString(16))
    }
  })

  test(`${architecture}: another architecture is killed`, () => {
    const number = policy.numbers.read!
    assert.equal(interpret(filter, { number, architecture: 0x40000003, args: [] }), KILL_PROCESS, 'a 32-bit call')
  })

  test(`${architecture}: fits what the kernel takes`, () => {
    assert.equal(filter.length % 8, 0)
    assert.ok(filter.length / 8 < 4096, `${filter.length / 8} instructions`)
  })
}

test('x32 numbers are killed', () => {
  const filter = konnectorFilter('x64')
  assert.equal(interpret(filter, { number: 0x40000000, architecture: audit.x64, args: [] }), KILL_PROCESS)
})

test('no name is on two lists, and each is a call of some architecture', () => {
  const all = [...allowed, ...refused, ...lethal]
  assert.equal(new Set(all).size, all.length)
  const known = { ...konnectorPolicy('x64').numbers, ...konnectorPolicy('arm64').numbers }
  assert.deepEqual(
    all.filter(name => known[name] === undefined),
    [],
  )
})

test('an architecture without a table is refused in words', () => {
  assert.throws(() => konnectorFilter('riscv64'), /no table of system calls for riscv64/)
})

test('kafel, for nsjail: the same actions, and never KILL, which ends a thread alone', () => {
  const policy = konnectorPolicy('x64')
  const text = kafelPolicy(policy)
  assert.doesNotMatch(text, /\bKILL\b(?!_PROCESS)/)
  assert.match(text, /USE konnector DEFAULT ERRNO\(38\)$/)
  assert.match(text, new RegExp(`KILL_PROCESS \\{[^}]*SYSCALL\\[${policy.numbers.ptrace}\\]`))
  assert.match(text, /SYSCALL\[41\]\(a0, a1, a2\) \{ \(a0 == 1 && \(a1 & 15\) == 1\)/)
})
