import type { Clock } from '../../src/ground/clock.ts'
import type { Instance } from '../../src/rooms/instances/index.ts'
import type { MintRequest } from '../../src/rooms/oauth/index.ts'
import { startTestHouse } from '../help/house.ts'
import { send, type TestRequest } from '../help/request.ts'

/** A clock whose hands a test turns. */
export function movingClock(): Clock & { advance(milliseconds: number): void } {
  let ahead = 0
  return {
    now: () => new Date(Date.now() + ahead),
    advance(milliseconds) {
      ahead += milliseconds
    },
  }
}

/** A house with such a clock, and instances for whoever asks. */
export async function openOAuthHouse() {
  const clock = movingClock()
  const house = await startTestHouse({ clock })
  const { instances, oauth } = house.rooms
  let made = 0
  return {
    ...house,
    clock,
    /** A new instance, with what a test needs to speak to it. */
    async person({ locale = 'en' }: { locale?: string } = {}) {
      const { instance } = await instances.create({ domain: `p${++made}.example.test`, locale })
      const mint = (request: Omit<MintRequest, 'instance'>) => oauth.mint({ instance, ...request })
      return {
        instance,
        mint,
        cli: (scope: string) => mint({ audience: 'cli', subject: 'CLI', scope }),
        request: (path: string, options: TestRequest = {}) =>
          send(house.url, path, { host: new URL(instance.url).host, ...options }),
        /** Signs in. @returns the browser's cookie */
        async signIn(): Promise<string> {
          const { setCookie } = await instances.sessions.open(instance as Instance)
          return setCookie.split(';')[0]!
        },
      }
    },
    /** A request to the administration's listener. */
    admin: (path: string, options: TestRequest = {}) =>
      send(house.house.adminUrl, path, {
        ...options,
        headers: { authorization: `Basic ${btoa(`admin:${house.house.adminSecret}`)}`, ...options.headers },
      }),
  }
}

export type Person = Awaited<ReturnType<Awaited<ReturnType<typeof openOAuthHouse>>['person']>>
