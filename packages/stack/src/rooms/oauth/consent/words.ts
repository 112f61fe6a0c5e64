import type { Verb } from '#ground/http/grant'

/** All that the consent page says, in one language. */
export interface ConsentWords {
  title: (client: string) => string
  /** Who asks; then where the person is sent, which no client can make up. */
  asks: (client: string, instance: string) => string
  goesTo: (destination: string) => string
  claims: string
  version: (version: string) => string
  website: string
  policy: string
  wants: string
  accept: string
  refuse: string
  revoke: string
  /** PUT and PATCH are one thing to whoever reads this. */
  verbs: Record<Exclude<Verb, 'PUT'>, string>
  /** `Read, add and change` + `your files`. */
  allow: (verbs: string[], object: string) => string
  /** What follows a rule that holds for some documents only. */
  onlyThese: (values: string) => string
  onlyWhere: (field: string, values: string) => string
  nothing: (object: string) => string
  unknown: (doctype: string) => string
  family: (doctype: string) => string
  doctypes: Record<string, string>
  error: string
  tooManyTitle: string
  tooMany: (limit: number) => string
}

const list = (items: string[], and: string) =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} ${and} ${items.at(-1)}`
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

const en: ConsentWords = {
  title: client => `Allow ${client}?`,
  asks: (client, instance) => `“${client}” asks for access to your space ${instance}.`,
  goesTo: destination => `If you accept, you are sent to ${destination}, which gets this access.`,
  claims:
    'The name above is the one the application gives itself. Accept only if you have just asked for this yourself.',
  version: version => `Version ${version}`,
  website: 'Website it gives',
  policy: 'Privacy policy it gives',
  wants: 'It would be able to:',
  accept: 'Accept',
  refuse: 'Refuse',
  revoke: 'You can take the access back at any time, in the list of connected devices of your settings.',
  verbs: { GET: 'read', POST: 'add', PATCH: 'change', DELETE: 'delete' },
  allow: (verbs, object) => `${capital(list(verbs, 'and'))} ${object}`,
  onlyThese: values => `Only: ${values}`,
  onlyWhere: (field, values) => `Only those whose “${field}” is: ${values}`,
  nothing: object => `Know of ${object}, without reading or changing any`,
  unknown: doctype => `documents of the type “${doctype}”`,
  family: doctype => `documents of the type “${doctype}” and of all types that begin with “${doctype}.”`,
  error: 'This access cannot be given',
  tooManyTitle: 'Too many connected devices',
  tooMany: limit =>
    `Your space accepts ${limit} connected devices, and has as many. Remove one in your settings, then try again.`,
  doctypes: {
    'io.cozy.accounts': 'your accounts at other services (without their passwords)',
    'io.cozy.apps': 'your applications',
    'io.cozy.apps.suggestions': 'suggestions of applications',
    'io.cozy.bank.accounts': 'your bank accounts',
    'io.cozy.bank.balancehistories': 'the history of your bank balances',
    'io.cozy.bank.groups': 'your groups of bank accounts',
    'io.cozy.bank.operations': 'your bank transactions',
    'io.cozy.bank.recurrence': 'your recurring payments',
    'io.cozy.bank.settings': 'the settings of your banking application',
    'io.cozy.bills': 'your bills',
    'io.cozy.calendar.events': 'the events of your calendars',
    'io.cozy.certified.carbon_copy': 'the certified copies among your files',
    'io.cozy.certified.electronic_safe': 'the documents in your electronic safe',
    'io.cozy.contacts': 'your contacts',
    'io.cozy.contacts.accounts': 'the accounts your contacts come from',
    'io.cozy.contacts.groups': 'the groups of your contacts',
    'io.cozy.coachco2.settings': 'the settings of your travel application',
    'io.cozy.doctypes': 'the list of the types of documents you have',
    'io.cozy.files': 'your files and folders',
    'io.cozy.files.versions': 'earlier versions of your files',
    'io.cozy.health.exercises': 'your physical exercises',
    'io.cozy.identities': 'your identity: name, addresses, phone numbers',
    'io.cozy.jobs': 'the background work of your space',
    'io.cozy.konnectors': 'your konnectors',
    'io.cozy.notes': 'your notes',
    'io.cozy.notifications': 'your notifications',
    'io.cozy.oauth.clients': 'your connected devices',
    'io.cozy.permissions': 'what your applications are allowed to do',
    'io.cozy.photos.albums': 'your photo albums',
    'io.cozy.photos.settings': 'the settings of your photo application',
    'io.cozy.procedures.administratives': 'your administrative procedures',
    'io.cozy.sessions': 'the browsers in which you are signed in',
    'io.cozy.settings': 'the settings of your space',
    'io.cozy.sharings': 'what you share with others',
    'io.cozy.tags': 'your tags',
    'io.cozy.timeseries.geojson': 'your travels and places',
    'io.cozy.triggers': 'when the background work of your space runs',
    'com.bitwarden.ciphers': 'your stored passwords (encrypted)',
    'com.bitwarden.folders': 'the folders of your stored passwords',
  },
}

const fr: ConsentWords = {
  title: client => `Autoriser ${client} ?`,
  asks: (client, instance) => `« ${client} » demande l’accès à votre espace ${instance}.`,
  goesTo: destination => `Si vous acceptez, vous serez envoyé vers ${destination}, qui recevra cet accès.`,
  claims:
    'Le nom ci-dessus est celui que l’application se donne. N’acceptez que si vous venez de le demander vous-même.',
  version: version => `Version ${version}`,
  website: 'Site qu’elle indique',
  policy: 'Politique de confidentialité qu’elle indique',
  wants: 'Elle pourrait :',
  accept: 'Accepter',
  refuse: 'Refuser',
  revoke: 'Vous pouvez retirer cet accès à tout moment, dans la liste des appareils connectés de vos réglages.',
  verbs: { GET: 'lire', POST: 'ajouter', PATCH: 'modifier', DELETE: 'supprimer' },
  allow: (verbs, object) => `${capital(list(verbs, 'et'))} ${object}`,
  onlyThese: values => `Seulement : ${values}`,
  onlyWhere: (field, values) => `Seulement ceux dont « ${field} » vaut : ${values}`,
  nothing: object => `Connaître l’existence de ${object}, sans rien lire ni modifier`,
  unknown: doctype => `les documents du type « ${doctype} »`,
  family: doctype => `les documents du type « ${doctype} » et de tous les types qui commencent par « ${doctype}. »`,
  error: 'Cet accès ne peut pas être donné',
  tooManyTitle: 'Trop d’appareils connectés',
  tooMany: limit =>
    `Votre espace accepte ${limit} appareils connectés, et les a déjà. Retirez-en un dans vos réglages, puis réessayez.`,
  doctypes: {
    'io.cozy.accounts': 'vos comptes chez d’autres services (sans leurs mots de passe)',
    'io.cozy.apps': 'vos applications',
    'io.cozy.apps.suggestions': 'des suggestions d’applications',
    'io.cozy.bank.accounts': 'vos comptes bancaires',
    'io.cozy.bank.balancehistories': 'l’historique de vos soldes bancaires',
    'io.cozy.bank.groups': 'vos groupes de comptes bancaires',
    'io.cozy.bank.operations': 'vos opérations bancaires',
    'io.cozy.bank.recurrence': 'vos paiements récurrents',
    'io.cozy.bank.settings': 'les réglages de votre application bancaire',
    'io.cozy.bills': 'vos factures',
    'io.cozy.calendar.events': 'les événements de vos agendas',
    'io.cozy.certified.carbon_copy': 'les copies certifiées parmi vos fichiers',
    'io.cozy.certified.electronic_safe': 'les documents de votre coffre-fort électronique',
    'io.cozy.contacts': 'vos contacts',
    'io.cozy.contacts.accounts': 'les comptes d’où viennent vos contacts',
    'io.cozy.contacts.groups': 'les groupes de vos contacts',
    'io.cozy.coachco2.settings': 'les réglages de votre application de trajets',
    'io.cozy.doctypes': 'la liste des types de documents que vous avez',
    'io.cozy.files': 'vos fichiers et dossiers',
    'io.cozy.files.versions': 'les anciennes versions de vos fichiers',
    'io.cozy.health.exercises': 'vos exercices physiques',
    'io.cozy.identities': 'votre identité : nom, adresses, téléphones',
    'io.cozy.jobs': 'les tâches de fond de votre espace',
    'io.cozy.konnectors': 'vos konnecteurs',
    'io.cozy.notes': 'vos notes',
    'io.cozy.notifications': 'vos notifications',
    'io.cozy.oauth.clients': 'vos appareils connectés',
    'io.cozy.permissions': 'ce que vos applications ont le droit de faire',
    'io.cozy.photos.albums': 'vos albums photo',
    'io.cozy.photos.settings': 'les réglages de votre application de photos',
    'io.cozy.procedures.administratives': 'vos démarches administratives',
    'io.cozy.sessions': 'les navigateurs où vous êtes connecté',
    'io.cozy.settings': 'les réglages de votre espace',
    'io.cozy.sharings': 'ce que vous partagez avec d’autres',
    'io.cozy.tags': 'vos étiquettes',
    'io.cozy.timeseries.geojson': 'vos trajets et lieux',
    'io.cozy.triggers': 'quand les tâches de fond de votre espace se lancent',
    'com.bitwarden.ciphers': 'vos mots de passe gardés (chiffrés)',
    'com.bitwarden.folders': 'les dossiers de vos mots de passe gardés',
  },
}

/** The words in a locale, `fr`, `fr-CA`; English for what we do not speak. */
export const consentWords = (locale: string): ConsentWords => (/^fr\b/i.test(locale) ? fr : en)

/** For the test that both languages know the same doctypes. */
export const languages = { en, fr }
