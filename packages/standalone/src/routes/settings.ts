import type { Stored } from '@konnectory/protocol'
import { INSTANCE_URL } from '../files/cozy-metadata.ts'
import { ApiError } from '../http/errors.ts'
import { apiAnswer, jsonAnswer } from '../http/exchange.ts'
import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'

/** What a konnector may ask beside documents and files (`protocol/konnector-runtime.md` section 11): an instance with nothing set up. */
export function settingsRoutes({ documents, now }: StackContext): Route[] {
  const setting = (name: string, attributes: object) =>
    apiAnswer({
      data: {
        type: 'io.cozy.settings',
        id: `io.cozy.settings.${name}`,
        attributes,
        meta: { rev: '1-0' },
        links: { self: `/settings/${name}` },
      },
    })
  const stored = (doctype: string): Stored[] => [...(documents.collections.get(doctype)?.values() ?? [])]
  const jobObject = (type: string, doc: Stored) => ({
    type,
    id: doc._id,
    attributes: doc,
    meta: {},
    links: { self: `/jobs/triggers/${doc._id}` },
  })
  const list = (data: object[]) => apiAnswer({ data, meta: { count: data.length } })

  return [
    [
      'GET',
      '/settings/instance',
      () =>
        setting('instance', {
          public_name: 'Standalone',
          email: 'me@konnectory.localhost',
          locale: 'en',
          tz: 'Europe/Paris',
          uuid: 'standalone',
          context: 'standalone',
          auth_mode: 'basic',
          onboarding_finished: true,
          auto_update: true,
        }),
    ],
    [
      'GET',
      '/settings/capabilities',
      () => setting('capabilities', { file_versioning: false, flat_subdomains: false, can_auth_with_password: true }),
    ],
    ['GET', '/settings/context', () => setting('context', { manager_url: '', help_link: INSTANCE_URL })],
    ['GET', '/settings/flags', () => setting('flags', {})],
    [
      'GET',
      '/remote/assets/:name',
      (_request, { name = '' }) => {
        throw new ApiError(404, 'Not Found', `the asset ${name} is not available in standalone mode`)
      },
    ],
    ['GET', '/jobs/triggers', () => list(stored('io.cozy.triggers').map(doc => jobObject('io.cozy.triggers', doc)))],
    [
      'GET',
      '/jobs/triggers/:id',
      (_request, { id = '' }) => {
        const doc = documents.collections.get('io.cozy.triggers')?.get(id)
        if (!doc) throw new ApiError(404, 'Not Found', 'Trigger with specified ID does not exist')
        return apiAnswer({ data: jobObject('io.cozy.triggers', doc) })
      },
    ],
    ['GET', '/jobs/queue/:worker', () => list([])],
    [
      'GET',
      '/status',
      () => jsonAnswer(200, { status: 'OK', message: 'OK', fs: 'healthy', date: now().toISOString() }),
    ],
    [
      'GET',
      '/version',
      () => jsonAnswer(200, { version: 'standalone', build_mode: 'standalone', runtime_version: process.version }),
    ],
  ]
}
