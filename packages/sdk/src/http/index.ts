export type { Cookie } from './cookie.ts'
export { CookieJar } from './cookie-jar.ts'
export type { SerializedCookie, SerializedJar } from './cookie-json.ts'
export {
  createHttp,
  type Http,
  type HttpCall,
  type HttpDefaults,
  type HttpSetup,
  type RequestOptions,
} from './http-client.ts'
export { BadAnswerError, HttpError, NetworkError } from './http-errors.ts'
export type { FormValue, FormValues } from './request-body.ts'
export type { HttpResponse } from './response.ts'
