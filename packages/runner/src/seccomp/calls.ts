/** The konnector's system calls, by what happens to them. A name missing from all three lists fails with ENOSYS. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/**
 * What Node 26 uses (measured: fs, watchers, workers, wasm, children, crypto, http, udp, zlib, signals). Left out on purpose,
 * although libraries know them: `memfd_create` and `shmget` (memory that no limit but a cgroup's counts), `io_uring_*`,
 * `clone3` (its flags are out of a filter's sight; glibc falls back to `clone`), message queues, semaphores.
 */
export const allowed = words(`
  read write open close stat fstat lstat newfstatat statx poll lseek mmap mprotect munmap mremap msync mincore madvise brk
  rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack
  pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 access faccessat faccessat2 pipe pipe2 select pselect6 ppoll
  sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler
  sched_get_priority_max sched_get_priority_min sched_getattr
  dup dup2 dup3 pause nanosleep clock_nanosleep getitimer setitimer alarm timer_create timer_settime timer_gettime timer_getoverrun timer_delete
  timerfd_create timerfd_settime timerfd_gettime clock_gettime clock_getres gettimeofday time times
  getpid getppid gettid getuid geteuid getgid getegid getgroups getresuid getresgid getpgrp getpgid getsid setsid setpgid getpriority setpriority
  sendfile connect accept accept4 sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown bind listen
  getsockname getpeername socketpair setsockopt getsockopt
  fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill uname fcntl flock fsync fdatasync sync_file_range fallocate truncate ftruncate
  getdents getdents64 getcwd chdir fchdir rename renameat renameat2 mkdir mkdirat rmdir creat link linkat unlink unlinkat
  symlink symlinkat readlink readlinkat
  chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask utime utimes utimensat futimesat
  getrlimit setrlimit prlimit64 getrusage sysinfo statfs fstatfs prctl arch_prctl set_tid_address set_robust_list get_robust_list rseq
  futex futex_waitv futex_wake futex_wait futex_requeue membarrier
  epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
  getrandom openat openat2 close_range copy_file_range splice tee getcpu restart_syscall mlock mlock2 munlock
  getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr fadvise64 readahead
  pkey_alloc pkey_free pkey_mprotect capget capset pidfd_open pidfd_send_signal
  cachestat map_shadow_stack mseal landlock_create_ruleset landlock_add_rule landlock_restrict_self`)

/** No Node program has a reason for these: a hit is evidence, and ends the process with SIGSYS (exit status 159). */
export const lethal = words(`
  acct add_key adjtimex bpf clock_adjtime clock_settime create_module delete_module finit_module init_module
  fanotify_init fanotify_mark fsconfig fsmount fsopen fspick
  ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mount mount_setattr move_mount name_to_handle_at nfsservctl
  open_by_handle_at open_tree perf_event_open pivot_root process_madvise process_mrelease process_vm_readv process_vm_writev ptrace
  quotactl quotactl_fd reboot request_key setns settimeofday
  swapoff swapon sysfs syslog umount2 uselib userfaultfd vhangup chroot pidfd_getfd modify_ldt memfd_secret remap_file_pages`)

/** What libraries try and do without: EPERM. */
export const refused = words(`
  unshare seccomp personality mbind get_mempolicy set_mempolicy migrate_pages move_pages set_mempolicy_home_node vmsplice mknod mknodat
  setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
  setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid sethostname setdomainname ioprio_set sched_setattr mlockall`)
