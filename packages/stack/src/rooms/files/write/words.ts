/** Names the server gives in the person's language (`protocol/files.md` §1, §3). */
export interface Words {
  administrative: string
  photos: string
  copy: string
  sharedDrives: string
}

const WORDS: Record<string, Words> = {
  de: { administrative: 'Verwaltung', photos: 'Fotos', copy: 'Kopie', sharedDrives: 'Laufwerke' },
  en: { administrative: 'Administrative', photos: 'Photos', copy: 'copy', sharedDrives: 'Drives' },
  es: { administrative: 'Administrativo', photos: 'Fotos', copy: 'copia', sharedDrives: 'Unidades' },
  fr: { administrative: 'Administratif', photos: 'Photos', copy: 'copie', sharedDrives: 'Drives' },
  it: { administrative: 'Amministrativo', photos: 'Foto', copy: 'copia', sharedDrives: 'Unità' },
}

/** @param locale BCP 47; only the language counts, English for those we have no words of */
export const words = (locale: string): Words => WORDS[locale.toLowerCase().split(/[-_]/)[0]!] ?? WORDS.en!
