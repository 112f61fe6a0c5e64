import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient, type StackClient } from '@konnectory/client'
import type { Operation } from '../../src/bank/bank-types.ts'

export interface OperationsStack {
  client: StackClient
  /** Method and path of each request. */
  requests: string[]
  /** The operations now. */
  operations: Operation[]
  /** Bodies of the bulk writes. */
  written: Operation[][]
  [Symbol.asyncDispose](): Promise<void>
}

/** The part of a stack that linking and categorising talk to, over real HTTP. */
export async function startOperationsStack(operations: Operation[], asset?: unknown): Promise<OperationsStack> {
  const requests: string[] = []
  const written: Operation[][] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { pathname } = new URL(request.url ?? '/', 'http://stack')
    requests.push(`${request.method} ${pathname}`)
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (pathname.endsWith('/_all_docs')) answer(200, { rows: operations.map(doc => ({ id: doc._id, doc })) })
    else if (pathname.endsWith('/_find')) {
      answer(200, { docs: operations.filter(doc => doc.manualCategoryId !== undefined), next: false, bookmark: 'nil' })
    } else if (pathname.endsWith('/_bulk_docs')) {
      const { docs } = JSON.parse(Buffer.concat(chunks).toString()) as { docs: Operation[] }
      written.push(docs)
      for (const doc of docs) operations[operations.findIndex(old => old._id === doc._id)] = doc
      answer(
        201,
        docs.map(doc => ({ ok: true, id: doc._id, rev: '2-x' })),
      )
    } else if (pathname.startsWith('/remote/assets/') && asset !== undefined) answer(200, asset)
    else answer(404, { error: 'not_found' })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    client: createClient({ url, token: 't' }),
    requests,
    operations,
    written,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
