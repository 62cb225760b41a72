import { totalmem } from "node:os";
import { parseArgs } from "node:util";
import { UserError } from "./model/error.ts";

const mebibyte = 1024 * 1024;

/** Everything that the operator can choose, and the defaults of all of it. */
export interface Config {
  /** Where everything that must survive is kept. */
  readonly dataDir: string;
  /** Address that SSH, HTTP and the dashboard listen on. */
  readonly address: string;
  readonly sshPort: number;
  readonly httpPort: number;
  readonly dashboardPort: number;
  /** Apps are reached as <app>.<domain>. */
  readonly domain: string;
  /** The administrator's public key, as text or as the path of a file; only used while no key is known. */
  readonly adminKey: string | null;
  /** Stops every app and removes links and rules on exit; otherwise apps go on without the server. */
  readonly ephemeral: boolean;
  readonly bootTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly stopGraceMs: number;
  readonly memoryBytes: number;
  readonly logBytesPerApp: number;
  readonly keptReleases: number;
}

interface Option {
  readonly flag: string;
  readonly fallback: string;
  readonly meaning: string;
}

const options = {
  dataDir: {
    flag: "data-dir",
    fallback: "/var/lib/slipway",
    meaning: "where everything that must survive is kept",
  },
  address: {
    flag: "address",
    fallback: "0.0.0.0",
    meaning: "address that SSH, HTTP and the dashboard listen on",
  },
  sshPort: {
    flag: "ssh-port",
    fallback: "2222",
    meaning: "port for git push and commands; 0 takes a free one",
  },
  httpPort: { flag: "http-port", fallback: "80", meaning: "port of the router" },
  dashboardPort: { flag: "dashboard-port", fallback: "8000", meaning: "port of the dashboard" },
  domain: { flag: "domain", fallback: "localhost", meaning: "apps are reached as <app>.<domain>" },
  adminKey: {
    flag: "admin-key",
    fallback: "",
    meaning: "public key of the administrator or its file; default ~/.ssh/*.pub",
  },
  bootTimeout: {
    flag: "boot-timeout",
    fallback: "60",
    meaning: "seconds a new process may take until it listens",
  },
  drainTimeout: {
    flag: "drain-timeout",
    fallback: "30",
    meaning: "seconds requests may go on when their process is replaced",
  },
  stopGrace: { flag: "stop-grace", fallback: "30", meaning: "seconds between SIGTERM and SIGKILL" },
  memory: {
    flag: "memory",
    fallback: String(Math.max(512, Math.floor(totalmem() / 4 / mebibyte))),
    meaning: "MiB that one process may use",
  },
  logSize: { flag: "log-size", fallback: "100", meaning: "MiB of logs kept for each app" },
  keptReleases: { flag: "kept-releases", fallback: "5", meaning: "releases of each app whose image is kept" },
} satisfies Record<string, Option>;

/** Reads flags (--ssh-port 22) and environment (SLIPWAY_SSH_PORT=22); flags win. Throws a UserError that names the wrong one. */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): Config {
  const values = parseFlags(argv);
  const text = ({ flag, fallback }: Option): string => {
    const variable = `SLIPWAY_${flag.toUpperCase().replaceAll("-", "_")}`;
    return (values[flag] as string | undefined) ?? env[variable] ?? fallback;
  };
  const number = (option: Option, most: number): number => {
    const value = Number(text(option));
    if (Number.isInteger(value) && value >= 0 && value <= most) return value;
    throw new UserError(`--${option.flag} must be a whole number from 0 to ${most}, not "${text(option)}"`);
  };
  const port = (option: Option) => number(option, 65_535);
  const milliseconds = (option: Option) => number(option, 86_400) * 1000;
  return Object.freeze({
    dataDir: text(options.dataDir),
    address: text(options.address),
    sshPort: port(options.sshPort),
    httpPort: port(options.httpPort),
    dashboardPort: port(options.dashboardPort),
    domain: text(options.domain).toLowerCase(),
    adminKey: text(options.adminKey) === "" ? null : text(options.adminKey),
    ephemeral: values["ephemeral"] === true,
    bootTimeoutMs: milliseconds(options.bootTimeout),
    drainTimeoutMs: milliseconds(options.drainTimeout),
    stopGraceMs: milliseconds(options.stopGrace),
    memoryBytes: number(options.memory, 1_048_576) * mebibyte,
    logBytesPerApp: number(options.logSize, 1_048_576) * mebibyte,
    keptReleases: number(options.keptReleases, 1000),
  });
}

function parseFlags(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const flags = Object.values(options).map(({ flag }) => [flag, { type: "string" }] as const);
  try {
    const known = {
      ...Object.fromEntries(flags),
      ephemeral: { type: "boolean" },
      help: { type: "boolean" },
    } as const;
    return parseArgs({ args: [...argv], options: known, allowPositionals: false }).values;
  } catch (error) {
    throw new UserError(`${(error as Error).message.split(".")[0]}: see --help`, { cause: error });
  }
}

/** What --help prints. */
export function configHelp(): string {
  const rows = Object.values(options).map(
    ({ flag, fallback, meaning }) =>
      `  --${flag.padEnd(16)} ${meaning}${fallback === "" ? "" : ` (${fallback})`}`,
  );
  return [
    "Usage: npm start -- [flags]; each flag is also an environment variable, such as SLIPWAY_SSH_PORT",
    "",
    ...rows,
    `  --${"ephemeral".padEnd(16)} stop every app and leave nothing running on exit`,
    "",
  ].join("\n");
}
