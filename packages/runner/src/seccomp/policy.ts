import { ALLOW, type Architecture, type ArgumentRule, assemble, fails, KILL_PROCESS, type Policy } from './assemble.ts'
import { allowed, lethal, refused } from './calls.ts'
import { numbers as arm64 } from './numbers-arm64.ts'
import { numbers as x64 } from './numbers-x64.ts'

export const EPERM = 1
export const ENOSYS = 38
export const EAFNOSUPPORT = 97

/** CLONE_NEW{TIME excluded}: NS, CGROUP, UTS, IPC, USER, PID, NET. NEWTIME (0x80) shares its bit with the exit signal. */
const NEW_NAMESPACES = 0x7e020000
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c

const [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] = [1, 2, 10, 16]
const [STREAM, DATAGRAM, SEQPACKET] = [1, 2, 5]
const SOCKET_TYPE = 0xf

const socketOf = (family: number, type: number) => ({
  all: [
    { argument: 0, equals: family },
    { argument: 1, mask: SOCKET_TYPE, equals: type },
  ],
  action: ALLOW,
})

const argumentRules: Record<string, ArgumentRule> = {
  socket: {
    clauses: [
      ...[AF_UNIX, AF_INET, AF_INET6].flatMap(family => [socketOf(family, STREAM), socketOf(family, DATAGRAM)]),
      socketOf(AF_UNIX, SEQPACKET),
      // NETLINK_ROUTE: `os.networkInterfaces()`.
      {
        all: [
          { argument: 0, equals: AF_NETLINK },
          { argument: 2, equals: 0 },
        ],
        action: ALLOW,
      },
    ],
    otherwise: fails(EAFNOSUPPORT),
  },
  clone: {
    clauses: [{ all: [{ argument: 0, mask: NEW_NAMESPACES, equals: 0 }], action: ALLOW }],
    otherwise: fails(EPERM),
  },
  ioctl: {
    clauses: [
      { all: [{ argument: 1, equals: TIOCSTI }], action: fails(EPERM) },
      { all: [{ argument: 1, equals: TIOCLINUX }], action: fails(EPERM) },
    ],
    otherwise: ALLOW,
  },
}

/** The konnector's policy (sandbox.md §2): known calls allowed, probed ones fail, tell-tale ones kill, the unknown does not exist. */
export function konnectorPolicy(architecture: Architecture): Policy {
  const actions: Record<string, number> = {}
  for (const name of allowed) actions[name] = ALLOW
  for (const name of refused) actions[name] = fails(EPERM)
  for (const name of lethal) actions[name] = KILL_PROCESS
  return {
    architecture,
    numbers: architecture === 'x64' ? x64 : arm64,
    actions,
    arguments: argumentRules,
    // ENOSYS: libuv then leaves io_uring alone, and glibc clone3.
    otherwise: fails(ENOSYS),
  }
}

/** The filter's bytes for this machine. @throws RangeError on an architecture without a table of numbers */
export function konnectorFilter(architecture: string = process.arch): Buffer {
  if (architecture !== 'x64' && architecture !== 'arm64') {
    throw new RangeError(
      `There is no table of system calls for ${architecture}: konnectors run confined on x64 and arm64.`,
    )
  }
  return assemble(konnectorPolicy(architecture))
}
