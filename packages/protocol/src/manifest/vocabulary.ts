/** Allow-listed words of `protocol/manifest.md` section 2.2: the union of the documentation and of the clients. */

export const CATEGORIES: readonly string[] = [
  ...['banking', 'clouds', 'cozy', 'education', 'energy', 'finance', 'health', 'host_provider', 'insurance', 'isp'],
  ...['mes_infos', 'online_services', 'others', 'partners', 'press', 'pro', 'productivity', 'ptnb', 'public_service'],
  ...['shopping', 'social', 'tech', 'telecom', 'transport'],
]

export const DATA_TYPES: readonly string[] = [
  ...['activity', 'appointment', 'bankAccounts', 'bankTransactions', 'bill', 'bloodPressure', 'calendar'],
  ...['certificate', 'commit', 'consumption', 'contact', 'contract', 'courseMaterial', 'document', 'event', 'family'],
  ...['geopoint', 'heartbeat', 'home', 'phonecommunicationlog', 'podcast', 'profile', 'refund', 'sinister'],
  ...['sleepTime', 'stepsNumber', 'temperature', 'travelDate', 'tweet', 'videostream', 'weight'],
  // not documented, seen in published manifests
  ...['picture', 'pictures', 'file', 'files'],
]

export const FREQUENCIES = ['hourly', 'daily', 'weekly', 'monthly'] as const
export type Frequency = (typeof FREQUENCIES)[number]

export const VERBS: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'ALL']
