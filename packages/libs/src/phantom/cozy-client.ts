import { EventEmitter } from 'node:events'
import { CozyClient as Client, models, Q, QueryDefinition } from '../cozy-client/index.ts'

export { models, Q, QueryDefinition }

// biome-ignore lint/suspicious/noExplicitAny: plugins bring their own types
type Any = any

type Plugin = (new (client: CozyClient, options?: unknown) => object) & { pluginName?: string }

/**
 * `require('cozy-client')` of a konnector: the client of the run, whatever the options, since a konnector has one stack
 * and one token. Adds the plugin registry and the events that plugins listen to (`cozy-flags`).
 */
export class CozyClient extends Client {
  static fromEnv(): CozyClient {
    return new CozyClient()
  }

  static fromOldClient(): CozyClient {
    return new CozyClient()
  }

  static async fromOldOAuthClient(): Promise<CozyClient> {
    return new CozyClient()
  }

  readonly isLogged = true
  readonly plugins: Record<string, Any> = {}
  readonly #events = new EventEmitter()

  /** @param _options uri, token, schema …: those of the run are used */
  constructor(_options?: object) {
    super()
  }

  /**
   * @param plugin a class with a static `pluginName`
   * @returns its instance, also at `client.plugins[pluginName]`
   */
  registerPlugin(plugin: Plugin, options?: unknown): object {
    if (!plugin.pluginName) throw new Error('Cannot register a plugin without its static pluginName')
    const instance = new plugin(this, options)
    this.plugins[plugin.pluginName] = instance
    return instance
  }

  async login(): Promise<void> {
    this.emit('login')
  }

  on(event: string, listener: (...args: Any[]) => void): this {
    this.#events.on(event, listener)
    return this
  }

  removeListener(event: string, listener: (...args: Any[]) => void): this {
    this.#events.removeListener(event, listener)
    return this
  }

  emit(event: string, ...args: unknown[]): boolean {
    return this.#events.emit(event, ...args)
  }
}

export default CozyClient
