import { z } from 'zod'
import { json, page } from '#ground/http/answer'
import { escapeHtml } from '#ground/http/index'
import { type Permission, type Route, route } from '#ground/http/route'

/** The API's document (OpenAPI 3.1), made from the routes themselves, and a page to read it. */
export function openApiRoutes(routes: Route[], version: string): Route[] {
  const EVERYBODY = { public: 'describes the API, which is no secret' } as const
  let document: object | undefined
  let html: string | undefined
  return [
    route({
      method: 'GET',
      path: '/openapi.json',
      summary: 'This document',
      family: 'plain',
      permission: EVERYBODY,
      anyHost: true,
      handle() {
        document ??= openApiDocument(routes, version)
        return json(document)
      },
    }),
    route({
      method: 'GET',
      path: '/docs/api',
      summary: 'This document, for people',
      family: 'page',
      permission: EVERYBODY,
      anyHost: true,
      handle() {
        html ??= readablePage(routes, version)
        return page(html, 200, {
          'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        })
      },
    }),
  ]
}

/** Routes as OpenAPI 3.1. Shapes that JSON Schema cannot say (a transformed value) are left open. */
export function openApiDocument(routes: Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const each of routes) {
    const path = each.path.replace(/:([A-Za-z_]+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][each.method.toLowerCase()] = operation(each)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Konnectory stack',
      version,
      description: 'Documents, files, accounts and permissions of an instance.',
    },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'cozysessid' },
      },
    },
    paths,
  }
}

function operation({ path, summary, permission, params, query, body, family }: Route): object {
  const names = [...path.matchAll(/:([A-Za-z_]+)/g)].map(match => match[1]!)
  const inPath = propertiesOf(params)
  const inQuery = propertiesOf(query)
  return {
    summary,
    description: sentence(permission),
    tags: [path.split('/')[1] || 'server'],
    ...security(permission),
    parameters: [
      ...names.map(name => ({ name, in: 'path', required: true, schema: inPath?.[name] ?? { type: 'string' } })),
      ...Object.entries(inQuery ?? {}).map(([name, schema]) => ({ name, in: 'query', schema })),
    ],
    ...(body && { requestBody: { content: bodyContent(body) } }),
    responses: { default: { description: family === 'json-api' ? 'JSON:API' : family } },
  }
}

function bodyContent(body: NonNullable<Route['body']>): object {
  if ('stream' in body) return { 'application/octet-stream': {} }
  if ('form' in body) return { 'application/x-www-form-urlencoded': { schema: schemaOf(body.form) } }
  return { 'application/json': { schema: schemaOf(body.json) } }
}

function schemaOf(shape: z.ZodType | undefined): Record<string, unknown> {
  return shape ? (z.toJSONSchema(shape, { unrepresentable: 'any', io: 'input' }) as Record<string, unknown>) : {}
}

function propertiesOf(shape: z.ZodType | undefined): Record<string, object> | undefined {
  return schemaOf(shape).properties as Record<string, object> | undefined
}

function security(permission: Permission<unknown>): object {
  if ('public' in permission) return { security: [] }
  return { security: ['session' in permission ? { session: [] } : { token: [] }] }
}

function sentence(permission: Permission<unknown>): string {
  if ('public' in permission) return `No token: ${permission.public}.`
  if ('token' in permission) return `Any token: ${permission.token}.`
  if ('session' in permission) return `A signed-in browser: ${permission.session}.`
  if ('inside' in permission) return `Needs ${permission.inside}.`
  return `Needs ${permission.whole} on ${typeof permission.of === 'string' ? permission.of : 'the doctype of the path'}.`
}

const STYLE =
  'body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}h2{margin-top:2.5rem}li{margin:.5rem 0}code{font-size:.95em}small{display:block;opacity:.75}'

function readablePage(routes: Route[], version: string): string {
  const groups = Map.groupBy(routes, ({ path }) => path.split('/')[1] || 'server')
  const sections = [...groups]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([name, members]) => {
      const items = members.map(
        ({ method, path, summary, permission }) =>
          `<li><code><b>${method}</b> ${escapeHtml(path)}</code> ${escapeHtml(summary)}<small>${escapeHtml(sentence(permission))}</small></li>`,
      )
      return `<h2>/${escapeHtml(name)}</h2><ul>${items.join('')}</ul>`
    })
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>API of the stack</title><style>${STYLE}</style><h1>API of the stack</h1><p>Version ${escapeHtml(version)}. The same for programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>${sections.join('')}</html>`
}
