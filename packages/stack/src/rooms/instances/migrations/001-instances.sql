-- One row for each person's space.
create table konnectory.instances (
  instance_id         uuid        primary key,
  -- Lower case, Unicode, with the port when it was created with one. Host names of requests are looked up here.
  domain              text        not null unique,
  -- Requests to it are sent on to the new one, and tokens issued under it are still good.
  old_domain          text        unique,
  -- What clients see of us in their settings; never a key.
  uuid                text        not null unique,
  locale              text        not null,
  tz                  text        not null,
  context             text        not null,
  email               text        not null,
  public_name         text        not null,
  auto_update         boolean     not null default true,
  auth_mode           text        not null default 'basic',
  onboarding_finished boolean     not null default false,
  -- Null: unlimited.
  quota_bytes         bigint      check (quota_bytes >= 0),
  -- Null: open. LOGIN_FAILED, PAYMENT_FAILED, IMPORTING, MOVING, UNKNOWN.
  blocked             text,
  -- Set when its destruction has begun: it is found no more, and what is left is taken away by whoever goes on.
  destroying          boolean     not null default false,
  flags               jsonb       not null default '{}',
  -- SHA-256 of the token of the first passphrase; null once used.
  register_token_hash bytea,
  -- Sealed by the keyring: the keys that sign sessions and tokens.
  secrets             text        not null,
  created_at          timestamptz not null,
  updated_at          timestamptz not null
);

create table konnectory.passphrases (
  instance_id uuid        primary key,
  -- scrypt$N$r$p$salt$hash of what the client sends, which it has derived from the passphrase itself.
  hash        text        not null,
  -- How the client derives it. The salt is kept: that of a domain would change when the instance moves. Iterations 0: not derived.
  salt        text        not null,
  iterations  integer     not null,
  hint        text,
  -- Keys of a password manager, enciphered by the client.
  keys        jsonb       not null default '{}',
  changed_at  timestamptz not null
);

-- Counts of what must not happen too often, shared by all processes. A window starts at its first event.
create table konnectory.rate_counters (
  instance_id uuid        not null,
  name        text        not null,
  -- Who, within the instance: an address; empty for the instance as a whole.
  key         text        not null,
  count       integer     not null,
  ends_at     timestamptz not null,
  primary key (instance_id, name, key)
);
create index rate_counters_ends_at on konnectory.rate_counters (ends_at);
