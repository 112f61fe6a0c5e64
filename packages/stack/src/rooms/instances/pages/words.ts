const en = {
  language: 'en',
  signIn: 'Sign in',
  signInTo: (name: string) => `Sign in to ${name}`,
  passphrase: 'Password',
  stayLong: 'Stay signed in on this device',
  show: 'Show the password',
  hint: 'Hint',
  choosePassphrase: 'Choose your password',
  chooseExplain:
    'It opens your space and everything in it. Nobody can tell it to you again, so keep it where you keep such things.',
  repeatPassphrase: 'The same once more',
  hintLabel: 'A hint for yourself (anybody who may read your settings can read it)',
  save: 'Save',
  wrongPassphrase: 'This password is not the right one.',
  notDefined: 'No password has been chosen for this space yet. Use the link you were given to choose one.',
  expired: 'This page was open for too long, or its cookie was refused. Please try again.',
  badRedirect: 'The address to go to after signing in is not one of this space.',
  badRegisterToken: 'This link is not valid, or a password has been chosen already.',
  tooMany: (seconds: number) => `Too many wrong passwords. Try again in ${waitEnglish(seconds)}.`,
  loginBlocked: 'This space is closed because of too many wrong passwords. Whoever runs this server can open it again.',
  needsScript: 'This page needs JavaScript: your password is turned into a key here, and never leaves this browser.',
  needsSecure:
    'This browser only does this over https, or on an address ending in .localhost: your password is turned into a key here, and never leaves this browser.',
  tooShort: 'At least 8 characters, please.',
  different: 'The two are not the same.',
  failed: 'It did not work:',
  working: 'One moment…',
  error: 'This does not work',
  signedIn: 'You are signed in',
  signedInExplain: 'This is your space. Applications that you allow reach it at this address.',
  signOut: 'Sign out',
  noMail:
    'This server sends no mail yet, so a lost password cannot be set again from here. Whoever runs it can do it with konnectory instances set-passphrase.',
  lostTitle: 'Lost password',
  lost: 'I lost my password',
}

export type Words = typeof en

const fr: Words = {
  language: 'fr',
  signIn: 'Se connecter',
  signInTo: name => `Se connecter à ${name}`,
  passphrase: 'Mot de passe',
  stayLong: 'Rester connecté sur cet appareil',
  show: 'Montrer le mot de passe',
  hint: 'Indice',
  choosePassphrase: 'Choisissez votre mot de passe',
  chooseExplain:
    'Il ouvre votre espace et tout ce qui s’y trouve. Personne ne pourra vous le redonner : gardez-le là où vous gardez ces choses.',
  repeatPassphrase: 'Le même encore une fois',
  hintLabel: 'Un indice pour vous (qui peut lire vos réglages peut le lire)',
  save: 'Enregistrer',
  wrongPassphrase: 'Ce mot de passe n’est pas le bon.',
  notDefined: 'Aucun mot de passe n’a encore été choisi pour cet espace. Utilisez le lien reçu pour en choisir un.',
  expired: 'Cette page est restée ouverte trop longtemps, ou son cookie a été refusé. Essayez encore.',
  badRedirect: 'L’adresse où aller après la connexion n’est pas de cet espace.',
  badRegisterToken: 'Ce lien n’est pas valable, ou un mot de passe a déjà été choisi.',
  tooMany: seconds => `Trop de mots de passe faux. Réessayez dans ${waitFrench(seconds)}.`,
  loginBlocked:
    'Cet espace est fermé après trop de mots de passe faux. La personne qui tient ce serveur peut le rouvrir.',
  needsScript:
    'Cette page a besoin de JavaScript : votre mot de passe est changé en clé ici, et ne quitte jamais ce navigateur.',
  needsSecure:
    'Ce navigateur ne le fait qu’en https, ou à une adresse finissant par .localhost : votre mot de passe est changé en clé ici, et ne quitte jamais ce navigateur.',
  tooShort: 'Au moins 8 caractères, s’il vous plaît.',
  different: 'Les deux ne sont pas les mêmes.',
  failed: 'Cela n’a pas marché :',
  working: 'Un instant…',
  error: 'Cela ne marche pas',
  signedIn: 'Vous êtes connecté',
  signedInExplain: 'Voici votre espace. Les applications que vous autorisez le trouvent à cette adresse.',
  signOut: 'Se déconnecter',
  noMail:
    'Ce serveur n’envoie pas encore de courriel : un mot de passe perdu ne peut pas être refait d’ici. La personne qui le tient peut le faire avec konnectory instances set-passphrase.',
  lostTitle: 'Mot de passe perdu',
  lost: 'J’ai perdu mon mot de passe',
}

const waitEnglish = (seconds: number) => (seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`)
const waitFrench = (seconds: number) => (seconds < 90 ? `${seconds} secondes` : `${Math.ceil(seconds / 60)} minutes`)

/** The words of the pages in a locale, `fr`, `fr-CA`; English for what we do not speak. */
export const wordsOf = (locale: string): Words => (/^fr\b/i.test(locale) ? fr : en)
