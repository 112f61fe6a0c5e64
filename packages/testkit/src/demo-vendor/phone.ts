import type { TextMessage } from './options.ts'
import { drawInteger } from './random.ts'

/** The text messages sent, newest first. */
export interface Phone {
  readonly messages: readonly TextMessage[]
  /** Sends the next code of this person: six digits, the same sequence for the same seed. */
  sendCode(email: string): string
  lastCode(email?: string): string | undefined
}

export function createPhone(seed: number, clock: () => Date, onTextMessage?: (message: TextMessage) => void): Phone {
  const messages: TextMessage[] = []
  return {
    messages,
    sendCode(email) {
      const sent = messages.filter(message => message.to === email).length
      const code = String(drawInteger(100000, 999999, seed, email, 'code', sent))
      const message = { to: email, code, text: `Aquavolt : votre code est ${code}`, at: clock() }
      messages.unshift(message)
      onTextMessage?.(message)
      return code
    },
    lastCode: email => messages.find(message => email === undefined || message.to === email)?.code,
  }
}
