import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Files } from '#rooms/files'
import type { Instances } from '#rooms/instances'
import type { OAuth } from '#rooms/oauth'
import { createAvatars } from './avatars.ts'
import { type Contexts, NO_CONTEXTS } from './contexts.ts'
import { createInstanceSettings } from './instance-settings.ts'
import { aboutRoutes } from './routes/about.ts'
import { absentRoutes } from './routes/absent.ts'
import { avatarRoutes } from './routes/avatar.ts'
import { clientRoutes } from './routes/clients.ts'
import { instanceRoutes } from './routes/instance.ts'
import { passphraseRoutes } from './routes/passphrase.ts'
import { sessionRoutes } from './routes/sessions.ts'

export { type Contexts, NO_CONTEXTS, readContexts } from './contexts.ts'

/** Tables of this room. */
export const migrations: MigrationSource = { room: 'settings', folder: join(import.meta.dirname, 'migrations') }

export interface SettingsDeps {
  instances: Instances
  oauth: Pick<OAuth, 'clients' | 'clientsLimit' | 'limitClients'>
  files: Pick<Files, 'service' | 'reader'>
  /** What the operator says about contexts. */
  contexts?: Contexts | undefined
}

/** Settings: what clients ask about the instance, its passphrase, sessions and programs. */
export function createSettings(
  ground: Ground,
  { instances, oauth, files, contexts = NO_CONTEXTS }: SettingsDeps,
): { routes: Route[] } {
  oauth.limitClients(async tenant => {
    const instance = await instances.byId(tenant.id)
    return instance && contexts.contexts[instance.context]?.oauth_clients_max
  })
  const settings = createInstanceSettings({ documents: ground.documents, instances, contexts })
  return {
    routes: [
      ...instanceRoutes(settings),
      ...aboutRoutes({ instances, files, contexts }),
      ...passphraseRoutes(instances),
      ...sessionRoutes(instances),
      ...clientRoutes({ oauth, contexts }),
      ...avatarRoutes(createAvatars(ground)),
      ...absentRoutes(),
    ],
  }
}
