/** What a route gives back; the server adds length, cookies and what the mode asks for. */
export interface Answer {
  status: number
  headers: Record<string, string>
  body: string | Buffer
}

export function html(body: string, status = 200): Answer {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}

export function redirect(location: string): Answer {
  return { status: 302, headers: { location }, body: '' }
}

export function pdf(body: Buffer, fileName: string): Answer {
  return {
    status: 200,
    headers: {
      'content-type': 'application/pdf',
      'content-disposition': `attachment; filename="${fileName}"`,
      'cache-control': 'private, no-store',
    },
    body,
  }
}
