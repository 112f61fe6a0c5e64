import { getQualification, Qualification, setQualification } from './qualification.ts'

/** `models.document`. */
const document = { Qualification, getQualification, setQualification }

export interface FileLike {
  type?: string
  _type?: string
  name?: string
  attributes?: { type?: string; name?: string }
}

/** `models.file`: what can be said of a file without asking the stack. */
const file = {
  isFile: (item: FileLike | undefined): boolean => typeOf(item) === 'file',
  isDirectory: (item: FileLike | undefined): boolean => typeOf(item) === 'directory',
  /** `{filename, extension}`, the dot in the extension. */
  splitFilename(item: FileLike): { filename: string; extension: string } {
    const name = item.name ?? item.attributes?.name
    if (typeof name !== 'string') throw new Error('file should have a name property')
    const dot = typeOf(item) === 'directory' ? -1 : name.lastIndexOf('.')
    return dot > 0 ? { filename: name.slice(0, dot), extension: name.slice(dot) } : { filename: name, extension: '' }
  },
}

const typeOf = (item: FileLike | undefined) => item?.attributes?.type ?? item?.type

/** `models.account`. */
const account = {
  getAccountName(doc: { auth?: Record<string, unknown>; identifier?: string; name?: string; _id?: string }): unknown {
    const { auth = {} } = doc
    return (
      auth.accountName || (doc.identifier && auth[doc.identifier]) || auth.login || auth.email || doc.name || doc._id
    )
  },
}

const provided = { document, file, account, accounts: account }

/**
 * `cozyClient.new.models`. Konnectors use `document.Qualification` (28 of the 91 surveyed) and nothing else; what is not
 * provided can be read without harm and says what to do when it is called.
 */
// biome-ignore lint/suspicious/noExplicitAny: anything may be asked for
export const models: typeof provided & Record<string, any> = tolerant(provided, 'cozyClient.new.models')

function tolerant<T extends object>(target: T, path: string): T {
  return new Proxy(target, {
    get(_, name) {
      if (typeof name === 'symbol' || name in target || name === 'then' || name === 'toJSON')
        return Reflect.get(target, name)
      const full = `${path}.${name}`
      const missing = () => {
        throw new Error(
          `${full} is not provided by @konnectory/libs. Add cozy-client to the konnector's dependencies and use its models.`,
        )
      }
      return tolerant(missing, full)
    },
  })
}
