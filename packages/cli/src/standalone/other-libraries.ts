import { readFile } from 'node:fs/promises'

/** A message of cozy-konnector-libs, as it stands in every bundle made with it, minified or not. */
const MARK = 'Env used to instantiate CozyClient must have COZY_URL and COZY_CREDENTIALS'

/**
 * Is this script a bundle that was built with cozy-konnector-libs, and so does not run on our libraries? With
 * `NODE_ENV=standalone` those would not talk to the stack at `COZY_URL` but open a store of their own, in a directory named
 * after the id in `folder_to_save` (`sdk/stub.md`).
 * @param script path of the bundle about to run
 */
export async function carriesOtherLibraries(script: string): Promise<boolean> {
  return (await readFile(script)).includes(MARK)
}
