import type { Ground } from '#ground/ground'
import { conflict, invalidAttribute } from '#ground/http/errors'
import { INSTANCE_SETTINGS_ID, type Instance, type Instances, SETTINGS } from '#rooms/instances'

/** Told with the document, and never part of it (`protocol/settings.md` §1). */
const COMPUTED = new Set([
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
])
/** Kept as they are: an address is changed by the mail that is sent to it. */
const GUARDED = ['email', 'pending_email']

export interface InstanceSettings {
  attributes: Record<string, unknown>
  rev: string | undefined
}

/** The settings of a person's space: a document, and what the server knows besides. */
export function createInstanceSettings(ground: Ground, instances: Pick<Instances, 'byId' | 'update'>) {
  const { documents } = ground

  const read = async (instance: Instance): Promise<InstanceSettings> => {
    const stored = await documents.of(instance).get(SETTINGS, INSTANCE_SETTINGS_ID)
    const current = stored && !stored.deleted ? stored : undefined
    return {
      attributes: { ...current?.body, ...computed(instance, current?.body) },
      rev: current?.rev,
    }
  }

  return {
    read,

    /**
     * Replaces the document by `given`, under its current revision. Language, time zone, updates and name take effect on the
     * instance.
     * @param asAdministrator also the context
     * @throws CouchError 409, JsonApiError 422
     */
    async replace(
      instance: Instance,
      given: Record<string, unknown>,
      { rev, asAdministrator }: { rev: string | undefined; asAdministrator: boolean },
    ): Promise<InstanceSettings> {
      const changes = readChanges(given, asAdministrator)
      const stored = await documents.of(instance).get(SETTINGS, INSTANCE_SETTINGS_ID)
      const current = stored && !stored.deleted ? stored : undefined
      const body: Record<string, unknown> = {}
      for (const [name, value] of Object.entries(given)) {
        if (!COMPUTED.has(name) && !GUARDED.includes(name) && !name.startsWith('_')) body[name] = value
      }
      for (const name of GUARDED) if (current && name in current.body) body[name] = current.body[name]

      if (current) await documents.of(instance).update(SETTINGS, INSTANCE_SETTINGS_ID, rev ?? '', body)
      else if (rev) throw conflict()
      else await documents.of(instance).create(SETTINGS, body, INSTANCE_SETTINGS_ID)
      const differs = Object.entries(changes).some(([name, value]) => instance[name as keyof Instance] !== value)
      const now = differs ? await instances.update(instance, changes) : await instances.byId(instance.id)
      return read(now ?? instance)
    },
  }
}

export type InstanceSettingsService = ReturnType<typeof createInstanceSettings>

function computed(instance: Instance, body: Record<string, unknown> = {}): Record<string, unknown> {
  const { locale, onboardingFinished, passphraseDefined, autoUpdate, authMode, uuid, context, email, publicName, tz } =
    instance
  return {
    // They stand in the document too, where it has them.
    ...(!('email' in body) && email !== '' && { email }),
    ...(!('public_name' in body) && publicName !== '' && { public_name: publicName }),
    ...(!('tz' in body) && { tz }),
    locale,
    onboarding_finished: onboardingFinished,
    password_defined: passphraseDefined,
    auto_update: autoUpdate,
    auth_mode: authMode,
    // Terms of service, foreign logins and organisations are matters of hosting providers.
    tos: '',
    tos_latest: '',
    oidc_id: '',
    org_domain: '',
    org_id: '',
    uuid,
    context,
  }
}

/** What takes effect on the instance. Checked before anything is written. */
function readChanges(given: Record<string, unknown>, asAdministrator: boolean) {
  const { locale, auto_update: autoUpdate, context, tz, public_name: publicName } = given
  if (locale !== undefined && (typeof locale !== 'string' || !/^[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*$/.test(locale))) {
    throw invalidAttribute('locale', `${String(locale)} is not a language, as fr or en`)
  }
  if (autoUpdate !== undefined && typeof autoUpdate !== 'boolean') {
    throw invalidAttribute('auto_update', 'auto_update is neither true nor false')
  }
  if (tz !== undefined && tz !== '' && !isTimeZone(tz)) {
    throw invalidAttribute('tz', `${String(tz)} is not a time zone, as Europe/Paris`)
  }
  if (publicName !== undefined && typeof publicName !== 'string') {
    throw invalidAttribute('public_name', 'public_name is not a text')
  }
  if (asAdministrator && context !== undefined && (typeof context !== 'string' || context === '')) {
    throw invalidAttribute('context', 'context is not the name of a context')
  }
  return {
    ...(typeof locale === 'string' && { locale }),
    ...(typeof autoUpdate === 'boolean' && { autoUpdate }),
    ...(asAdministrator && typeof context === 'string' && { context }),
  }
}

function isTimeZone(tz: unknown): boolean {
  if (typeof tz !== 'string') return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: tz })
    return true
  } catch {
    return false // RangeError is how Intl says so.
  }
}
