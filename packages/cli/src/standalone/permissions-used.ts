import type { Project } from './project.ts'
import type { StackRequest } from './stack-request.ts'

/** What a run needed and the manifest does not ask for. */
export interface MissingPermission {
  doctype: string
  verb: string
}

/** The server lets each konnector at its own account. */
const ALWAYS_ALLOWED = new Set(['io.cozy.accounts'])
/** Routes that read with POST (`protocol/data.md`). */
const READS = /\/_(?:find|all_docs|index|normal_docs|changes)$/

/** @returns what `requests` used without a permission; empty when there is no manifest to compare with */
export function missingPermissions(requests: StackRequest[], project: Project): MissingPermission[] {
  if (!project.manifest) return []
  const { permissions, folders } = project.manifest.manifest
  const missing = new Map<string, MissingPermission>()
  for (const request of requests) {
    const used = neededFor(request)
    if (!used || ALWAYS_ALLOWED.has(used.doctype)) continue
    // The server itself gives a konnector its destination folder (`protocol/konnector-runtime.md` section 3.5).
    if (used.doctype === 'io.cozy.files' && folders.length > 0) continue
    const allowed = permissions.some(
      rule =>
        covers(rule.type, used.doctype) &&
        (rule.verbs.length === 0 || rule.verbs.includes('ALL') || rule.verbs.includes(used.verb)),
    )
    if (!allowed) missing.set(`${used.verb} ${used.doctype}`, used)
  }
  return [...missing.values()]
}

function neededFor({ doctype, method, path }: StackRequest): MissingPermission | undefined {
  if (!doctype) return undefined
  // References of any document are the files' affair too (`protocol/data.md` section 7), and every konnector has files.
  if (path.endsWith('/relationships/references'))
    return { doctype: 'io.cozy.files', verb: method === 'GET' ? 'GET' : 'PATCH' }
  return { doctype, verb: method === 'HEAD' || READS.test(path) ? 'GET' : method }
}

/** `io.cozy.bank.*` is every doctype below `io.cozy.bank`. */
function covers(type: string, doctype: string): boolean {
  return (
    type === doctype ||
    (type.endsWith('.*') && (doctype === type.slice(0, -2) || doctype.startsWith(type.slice(0, -1))))
  )
}
