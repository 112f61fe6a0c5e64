/** True while a process with this id runs. Our own id counts as dead: what carries it and is not ours was left by an earlier process. */
export function isOtherProcessAlive(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
