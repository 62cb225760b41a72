CREATE TABLE apps (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  deploy_branch TEXT,
  id_base INTEGER NOT NULL UNIQUE,
  current_release_id INTEGER REFERENCES releases (id) ON DELETE SET NULL,
  wanted INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE releases (
  id INTEGER PRIMARY KEY,
  app_id INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('building', 'deploying', 'succeeded', 'failed')),
  source TEXT NOT NULL,
  author TEXT NOT NULL,
  commit_sha TEXT,
  image_digest TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  failure TEXT,
  UNIQUE (app_id, version)
) STRICT;

CREATE TABLE processes (
  id INTEGER PRIMARY KEY,
  app_id INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  release_id INTEGER NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  number INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('starting', 'running', 'backoff', 'stopping', 'exited')),
  container_id TEXT NOT NULL UNIQUE,
  pid INTEGER,
  pid_start_time TEXT,
  port INTEGER,
  restarts INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER NOT NULL,
  last_exit TEXT
) STRICT;

CREATE INDEX processes_by_app ON processes (app_id);

CREATE TABLE scale (
  app_id INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity >= 0),
  PRIMARY KEY (app_id, type)
) STRICT, WITHOUT ROWID;

-- A null app_id is a variable of every app. `value` is AES-256-GCM: nonce, tag, ciphertext.
CREATE TABLE config_vars (
  app_id INTEGER REFERENCES apps (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX config_vars_by_name ON config_vars (ifnull(app_id, 0), name);

CREATE TABLE domains (
  name TEXT NOT NULL PRIMARY KEY,
  app_id INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE ssh_keys (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  public_key TEXT NOT NULL UNIQUE,
  fingerprint TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'deploy'))
) STRICT;

-- Which apps a key of role deploy may see and change.
CREATE TABLE app_access (
  app_id INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  key_id INTEGER NOT NULL REFERENCES ssh_keys (id) ON DELETE CASCADE,
  PRIMARY KEY (app_id, key_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  app TEXT,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_app ON events (app, id);

-- One-time sign-in links and browser sessions; only SHA-256 hashes of the secrets are kept.
CREATE TABLE sign_in_links (
  secret_hash BLOB NOT NULL PRIMARY KEY,
  key_id INTEGER NOT NULL REFERENCES ssh_keys (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  secret_hash BLOB NOT NULL PRIMARY KEY,
  key_id INTEGER NOT NULL REFERENCES ssh_keys (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
