import { AppStore } from "./apps.ts";
import { ConfigVarStore } from "./config-vars.ts";
import { openDatabase } from "./database.ts";
import { DomainStore } from "./domains.ts";
import { EventStore } from "./events.ts";
import { KeyStore } from "./keys.ts";
import { ProcessStore } from "./processes.ts";
import { ReleaseStore } from "./releases.ts";
import { ScaleStore } from "./scale.ts";
import { loadSecret } from "./secret.ts";
import { SessionStore } from "./sessions.ts";

/** All that survives a restart, one small store a noun. */
export interface State {
  readonly apps: AppStore;
  readonly releases: ReleaseStore;
  readonly processes: ProcessStore;
  readonly scale: ScaleStore;
  readonly configVars: ConfigVarStore;
  readonly domains: DomainStore;
  readonly keys: KeyStore;
  readonly events: EventStore;
  readonly sessions: SessionStore;
  /** Runs `change` in one transaction: all of it or nothing. */
  transaction<T>(change: () => T): T;
  close(): void;
}

export interface StatePaths {
  readonly database: string;
  readonly secretKey: string;
  readonly migrations: string;
}

export async function openState(paths: StatePaths): Promise<State> {
  const secret = await loadSecret(paths.secretKey);
  const db = openDatabase(paths.database, paths.migrations);
  return {
    apps: new AppStore(db),
    releases: new ReleaseStore(db),
    processes: new ProcessStore(db),
    scale: new ScaleStore(db),
    configVars: new ConfigVarStore(db, secret),
    domains: new DomainStore(db),
    keys: new KeyStore(db),
    events: new EventStore(db),
    sessions: new SessionStore(db),
    transaction: (change) => db.transaction(change)(),
    close: () => db.close(),
  };
}
