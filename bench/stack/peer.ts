/** The floor: a bare Fastify route that returns the same bytes from memory. Run with the JSON text as argument. */
import fastify from 'fastify'

const text = process.argv[2] ?? '{}'
const app = fastify({ logger: false })
app.get('/data/:doctype/:docid', (_request, reply) => reply.type('application/json; charset=utf-8').send(text))
app.post('/data/:doctype/', (_request, reply) => reply.code(201).type('application/json; charset=utf-8').send(text))
app.put('/data/:doctype/:docid', (_request, reply) => reply.type('application/json; charset=utf-8').send(text))
const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${JSON.stringify({ url })}\n`)
process.once('SIGTERM', () => process.exit(0))
