export { type Clock, systemClock } from './clock.ts'
export { type Config, ConfigError, type DatabaseConfig, readConfig } from './config.ts'
export * from './database/index.ts'
export { createLog, type Log, type LogFields, type LogLevel } from './log.ts'
