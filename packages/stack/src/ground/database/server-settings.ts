import { SOCKET_PORT } from './socket-directory.ts'

/** Connections beyond the application's own pool: listeners, a second pool (the queue's), an operator's psql. */
const SPARE_CONNECTIONS = 20

export interface ServerSettings {
  major: number
  sockets: string
  connections: number
  volatile?: boolean
}

/**
 * The server's settings as arguments, so that they are this version's at each start and no file has to be kept.
 * Small, because one household's server must fit beside others: 8 MB idle instead of 27, and within noise of the defaults
 * in speed (storage.md §2).
 */
export function serverSettings({ major, sockets, connections, volatile }: ServerSettings): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: '',
    port: SOCKET_PORT,
    // A list: quoted, or a comma in the path would cut it.
    unix_socket_directories: `"${sockets.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    cluster_name: 'konnectory',
    shared_buffers: '16MB',
    max_connections: connections + SPARE_CONNECTIONS,
    jit: 'off',
    max_worker_processes: 2,
    max_logical_replication_workers: 0,
    max_wal_senders: 0,
    // Parallel queries would need /dev/shm, of which Docker gives 64 MB (storage.md §6.6).
    max_parallel_workers_per_gather: 0,
    huge_pages: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: '[%p] ',
    // Failed statements are the application's to log: PostgreSQL would quote them with the person's data inside.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
  }
  if (major >= 18) settings.io_method = 'sync'
  if (volatile) Object.assign(settings, { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' })
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
