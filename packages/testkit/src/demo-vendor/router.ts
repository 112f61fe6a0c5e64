import type { Answer } from './answer.ts'
import type { Visit } from './visit.ts'

export type Handler = (visit: Visit) => Answer

/** `GET /invoices/:ref/pdf` → handler */
export type Routes = Record<string, Handler>

/** Finds the handler of a request and fills `visit.params`; undefined when there is none. */
export function createRouter(...groups: Routes[]): (visit: Visit) => Handler | undefined {
  const table = groups.flatMap(routes =>
    Object.entries(routes).map(([route, handler]) => {
      const [method, path] = route.split(' ') as [string, string]
      const pattern = new RegExp(`^${path.replace(/\./g, '\\.').replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
      return { method, pattern, handler }
    }),
  )
  return visit => {
    for (const { method, pattern, handler } of table) {
      const match = method === visit.method ? pattern.exec(visit.path) : null
      if (!match) continue
      for (const [name, value] of Object.entries(match.groups ?? {})) visit.params[name] = decode(value)
      return handler
    }
    return undefined
  }
}

/** A part of a path; what is not valid percent-encoding stays as it came, and is then simply not found. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
