import type { Body } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { badRequest, conflict, invalidAttribute } from '#ground/http/errors'
import type { Actor } from '#ground/http/grant'
import type { Instance, Instances } from '#rooms/instances'
import { INSTANCE_SETTINGS_ID } from '#rooms/instances'
import type { Contexts } from './contexts.ts'
import { SETTINGS } from './document.ts'

/** Members the server adds when the document is read; they are never stored (`protocol/settings.md` §1). */
const ADDED = [
  'locale',
  'onboarding_finished',
  'password_defined',
  'auto_update',
  'auth_mode',
  'tos',
  'tos_latest',
  'uuid',
  'oidc_id',
  'org_domain',
  'org_id',
  'context',
  'sponsorships',
  'oidc_logout_url',
  'legal_notice_url',
  'moved_from',
  'moved_to',
]
/** Written through routes of their own only. */
const GUARDED = ['email', 'pending_email']

export interface InstanceSettingsDeps {
  documents: Ground['documents']
  instances: Pick<Instances, 'byId' | 'update'>
  contexts: Contexts
}

/** The settings of an instance: a stored document, and what the server knows of the instance. */
export function createInstanceSettings({ documents, instances, contexts }: InstanceSettingsDeps) {
  const read = async (instance: Instance) => {
    const document = await documents.of(instance).get(SETTINGS, INSTANCE_SETTINGS_ID)
    return document && !document.deleted ? document : undefined
  }

  const shown = (instance: Instance, stored: Body): Body => ({
    ...stored,
    locale: instance.locale,
    onboarding_finished: instance.onboardingFinished,
    password_defined: instance.passphraseDefined,
    auto_update: instance.autoUpdate,
    auth_mode: instance.authMode,
    tos: '',
    tos_latest: '',
    uuid: instance.uuid,
    oidc_id: '',
    org_domain: '',
    org_id: '',
    context: instance.context,
    ...(contexts.contexts[instance.context]?.sponsorships && {
      sponsorships: contexts.contexts[instance.context]?.sponsorships,
    }),
    ...(instance.oldDomain !== undefined && { moved_from: instance.oldDomain }),
  })

  return {
    async get(instance: Instance): Promise<{ attributes: Body; rev: string | undefined }> {
      const document = await read(instance)
      return { attributes: shown(instance, document?.body ?? {}), rev: document?.rev }
    },

    /**
     * Replaces the stored document. Locale, time zone, name and automatic updates hold for the instance from now on.
     * @throws 409 when `rev` is not the current one
     */
    async replace(
      instance: Instance,
      actor: Actor,
      { attributes, rev }: { attributes: Body; rev: string | undefined },
    ): Promise<{ attributes: Body; rev: string | undefined }> {
      const document = await read(instance)
      const kept = Object.fromEntries(
        GUARDED.flatMap(name => (document && name in document.body ? [[name, document.body[name]]] : [])),
      )
      const given = Object.entries(attributes).filter(
        ([name]) => !ADDED.includes(name) && !GUARDED.includes(name) && !name.startsWith('_'),
      )
      const body = { ...Object.fromEntries(given), ...kept }
      const changes = changesOf(attributes, actor)
      if (document) {
        if (rev !== document.rev) throw conflict()
        await documents.of(instance).update(SETTINGS, INSTANCE_SETTINGS_ID, document.rev, body)
      } else {
        if (rev) throw conflict()
        await documents.of(instance).create(SETTINGS, body, INSTANCE_SETTINGS_ID)
      }
      if (Object.keys(changes).length > 0) await instances.update(instance, changes)
      const fresh = (await instances.byId(instance.id)) ?? instance
      const now = await read(fresh)
      return { attributes: shown(fresh, now?.body ?? {}), rev: now?.rev }
    },
  }
}

/** What of the attributes is a matter of the instance itself. The context is for the administrator to choose. */
function changesOf(attributes: Body, actor: Actor): Parameters<Instances['update']>[1] {
  const { locale, tz, public_name: publicName, auto_update: autoUpdate, context } = attributes
  for (const [name, value] of Object.entries({ locale, tz, public_name: publicName }))
    if (value !== undefined && typeof value !== 'string') throw badRequest(`${name} must be a text`)
  if (autoUpdate !== undefined && typeof autoUpdate !== 'boolean') throw badRequest('auto_update must be true or false')
  // Looked at before the document is written: it must not be stored when the instance then refuses.
  if (typeof locale === 'string' && !/^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$/.test(locale))
    throw invalidAttribute('locale', `${locale} is not a language, as fr or en`)
  if (typeof tz === 'string' && tz !== '' && !isTimeZone(tz))
    throw invalidAttribute('tz', `${tz} is not a time zone, as Europe/Paris`)
  return {
    ...(typeof locale === 'string' && { locale }),
    ...(typeof tz === 'string' && tz !== '' && { tz }),
    ...(typeof publicName === 'string' && { publicName }),
    ...(typeof autoUpdate === 'boolean' && { autoUpdate }),
    ...(actor.kind === 'cli' && typeof context === 'string' && context !== '' && { context }),
  }
}

function isTimeZone(tz: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: tz })
    return true
  } catch {
    return false // RangeError is how Intl says so.
  }
}
